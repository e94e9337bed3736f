import { parseTraceparent } from '@/lib/trace-context'
import { api } from '../support/api'
import { useNoLimits } from '../support/rate-limits'
import { expectErrorsInLog, loggedLines } from '../support/log'
import { prisma } from '@/lib/platform/db/prisma'

const TRACE = '0af7651916cd43dd8448eb211c80319c'
const PARENT = 'b7ad6b7169203331'

describe('parseTraceparent', () => {
  it('returns the ids and the sampled flag', () => {
    expect(parseTraceparent(`00-${TRACE}-${PARENT}-01`)).toEqual({ traceId: TRACE, parentId: PARENT, sampled: true })
    expect(parseTraceparent(`00-${TRACE}-${PARENT}-00`)?.sampled).toBe(false)
    expect(parseTraceparent(`01-${TRACE}-${PARENT}-03-later`)?.sampled).toBe(true)
  })

  it.each([
    undefined,
    '',
    `ff-${TRACE}-${PARENT}-01`,
    `00-${'0'.repeat(32)}-${PARENT}-01`,
    `00-${TRACE}-${'0'.repeat(16)}-01`,
    `00-${TRACE.toUpperCase()}-${PARENT}-01`,
    `00-${TRACE}-${PARENT}-01-more`,
    `00-${TRACE}-${PARENT}`,
    `00-${TRACE}-${PARENT}-01, 00-${TRACE}-${PARENT}-01`,
  ])('returns undefined for %s', (header) => expect(parseTraceparent(header)).toBeUndefined())
})

describe('the log lines of a request', () => {
  afterEach(useNoLimits)

  it('have the trace id of a valid traceparent and the request id', async () => {
    const traceparent = `00-${TRACE}-${PARENT}-01`
    const { headers } = await api('GET', '/api/hello', { headers: { traceparent, Origin: 'https://trace.example' } })
    const lines = loggedLines().filter((line) => line['requestId'] === headers.get('x-request-id'))
    expect(lines.map(({ msg, traceId }) => [msg, traceId])).toEqual([
      ['origin refused: it is not in CORS_ORIGINS', TRACE],
      ['request', TRACE],
    ])
  })

  it('have them also when the request fails deep inside', async () => {
    expectErrorsInLog()
    await prisma().$executeRaw`ALTER TABLE products RENAME TO products_away`
    const headers = { traceparent: `00-${TRACE}-${PARENT}-01` }
    const failed = await api('GET', '/api/products/1', { headers })
    await prisma().$executeRaw`ALTER TABLE products_away RENAME TO products`
    expect(failed.status).toBe(500)
    const line = loggedLines().find(({ msg }) => msg === 'request failed')
    expect(line).toMatchObject({ traceId: TRACE, requestId: failed.headers.get('x-request-id') })
  })

  it('have no trace id without a valid one', async () => {
    for (const traceparent of ['', 'nonsense']) {
      const { headers } = await api('GET', '/api/hello', { headers: { traceparent } })
      const line = loggedLines().find((one) => one['requestId'] === headers.get('x-request-id'))
      expect(line).not.toHaveProperty('traceId')
    }
  })
})
