import { randomUUID } from 'node:crypto'
import { ERRORS } from '@/lib/errors'
import { api } from '../support/api'
import { signIn } from '../support/factories'
import { useLimits, useNoLimits } from '../support/rate-limits'
import { byName, fill, operations } from './operations'

const ACCEPT = { Accept: 'application/problem+json' }

/** Returns the problem details that say the same as an envelope. */
function problemOf(error: { code: keyof typeof ERRORS; message: string; details?: unknown }, instance: string) {
  const { status, message: title } = ERRORS[error.code]
  return {
    type: `/api/docs#${error.code}`,
    title,
    status,
    instance,
    code: error.code,
    ...(error.message !== title && { detail: error.message }),
    ...(error.details !== undefined && { errors: error.details }),
  }
}

describe.each(byName(operations))('%s with Accept: application/problem+json', (_name, { method, path }) => {
  it('returns the same error as problem details', async () => {
    const url = fill(path, {})
    for (const [sent, query] of [
      [method, '?nope=1&nope=2'],
      ['PURGE', ''],
    ] as const) {
      const plain = await api(sent, `${url}${query}`, { token: 'invalid' })
      const problem = await api<Record<string, unknown>>(sent, `${url}${query}`, { token: 'invalid', headers: ACCEPT })
      expect(problem.status).toBe(plain.status)
      if (plain.status < 400) continue
      expect(plain.headers.get('content-type')).toBe('application/json; charset=utf-8')
      expect(problem.headers.get('content-type')).toBe('application/problem+json')
      for (const { headers } of [plain, problem]) expect(headers.get('vary')).toContain('Accept')
      const { requestId, ...body } = problem.json
      expect(body).toEqual(problemOf(plain.json.error, url))
      expect(requestId).toBe(problem.headers.get('x-request-id'))
    }
  })
})

describe('problem details', () => {
  const call = async (method: string, url: string, options: Parameters<typeof api>[2] = {}) =>
    api<Record<string, unknown>>(method, url, { ...options, headers: { ...ACCEPT, ...options.headers } })

  it('are sent for unknown paths, malformed JSON, oversized bodies and limits', async () => {
    const json = { 'Content-Type': 'application/json' }
    expect((await call('GET', '/api/unknown')).json).toMatchObject({ status: 404, code: 'NOT_FOUND' })
    const malformed = await call('POST', '/api/auth/login', { body: '{', headers: json })
    expect(malformed.json).toMatchObject({ status: 400, code: 'INVALID_JSON', instance: '/api/auth/login' })
    const large = await call('POST', '/api/auth/login', { body: `"${'x'.repeat(20_000)}"`, headers: json })
    expect(large.json).toMatchObject({ status: 413, code: 'PAYLOAD_TOO_LARGE' })
    useLimits({ general: 1 })
    await call('GET', '/api/hello')
    expect((await call('GET', '/api/hello')).json).toMatchObject({ status: 429, code: 'RATE_LIMITED' })
    useNoLimits()
  })

  it('contain the messages by field as errors', async () => {
    const { json } = await call('POST', '/api/auth/login', { json: { email: 'no' } })
    expect(json).toMatchObject({ errors: { email: ['must be a valid email'], password: ['is required'] } })
  })

  it('are sent for the stored error of an idempotent request as well', async () => {
    const { token } = await signIn()
    const headers = { 'Idempotency-Key': randomUUID() }
    const post = { token, json: { title: '' }, headers }
    const [first, plain] = [await call('POST', '/api/posts', post), await api('POST', '/api/posts', post)]
    const again = await call('POST', '/api/posts', post)
    expect([first.status, again.status, again.headers.get('idempotency-replayed')]).toEqual([400, 400, 'true'])
    expect(again.json).toEqual(first.json)
    expect(again.headers.get('content-type')).toBe('application/problem+json')
    expect(plain.json.error.details).toEqual(first.json['errors'])
  })

  it('are sent when Accept names them among others, and not for wildcards', async () => {
    const typeFor = async (accept: string) =>
      (await api('GET', '/api/unknown', { headers: { Accept: accept } })).headers.get('content-type')
    expect(await typeFor('application/json, application/problem+json')).toBe('application/problem+json')
    for (const accept of ['*/*', 'application/*', 'text/html', 'application/problem+json;q=0', '']) {
      expect([accept, await typeFor(accept)]).toEqual([accept, 'application/json; charset=utf-8'])
    }
  })

  it('are not sent for successes', async () => {
    const { status, headers } = await call('GET', '/api/hello')
    expect([status, headers.get('content-type')]).toEqual([200, 'application/json; charset=utf-8'])
  })
})
