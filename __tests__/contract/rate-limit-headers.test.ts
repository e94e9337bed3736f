import { parseList } from 'structured-headers'
import { api } from '../support/api'
import { useLimits, useNoLimits } from '../support/rate-limits'
import { byName, fill, operations } from './operations'

const REQUESTS = 100
const WINDOW_SECONDS = 60

beforeEach(() => useLimits({ general: REQUESTS, loginAttempts: 7, strict: 5 }))
afterAll(useNoLimits)

/** Returns the items of a structured list, by value. */
function itemsOf(header: string | null): Record<string, Record<string, unknown>> {
  const items = parseList(header ?? '').map(([value, parameters]): [string, Record<string, unknown>] => [
    typeof value === 'string' ? value : '',
    Object.fromEntries(parameters),
  ])
  return Object.fromEntries(items)
}

describe.each(byName(operations))('%s', (_name, { method, path, rateLimited }) => {
  it(`sends ${rateLimited === false ? 'no' : 'the'} limits as structured fields, also with errors`, async () => {
    for (const [sent, query] of [
      [method, ''],
      [method, '?nope=1'],
      ['PURGE', ''],
    ] as const) {
      const { headers } = await api(sent, `${fill(path, {})}${query}`)
      if (rateLimited === false) {
        expect([headers.has('ratelimit'), headers.has('ratelimit-policy')]).toEqual([false, false])
        continue
      }
      const [policy, state] = [itemsOf(headers.get('ratelimit-policy')), itemsOf(headers.get('ratelimit'))]
      expect(policy['default']).toEqual({ q: REQUESTS, w: WINDOW_SECONDS })
      expect(state['default']).toEqual({ r: expect.any(Number), t: expect.any(Number) })
      expect(Object.keys(state)).toEqual(Object.keys(policy))
      const last = Object.keys(state).at(-1) ?? ''
      expect(headers.get('ratelimit-limit')).toBe(String(policy[last]?.['q']))
      expect(headers.get('ratelimit-remaining')).toBe(String(state[last]?.['r']))
      expect(headers.get('ratelimit-reset')).toBe(String(state[last]?.['t']))
    }
  })
})

describe('RateLimit', () => {
  it('counts down to 0 and stays there above the limit', async () => {
    useLimits({ general: 2 })
    const left = []
    for (let call = 0; call < 3; call += 1) {
      const { headers } = await api('GET', '/api/hello')
      left.push(itemsOf(headers.get('ratelimit'))['default']?.['r'])
    }
    expect(left).toEqual([1, 0, 0])
  })

  it('names every limit that applies to the request', async () => {
    const json = { email: 'ada@example.test', password: 'wrong password' }
    const { headers } = await api('POST', '/api/auth/login', { json })
    expect(itemsOf(headers.get('ratelimit-policy'))).toEqual({
      default: { q: REQUESTS, w: WINDOW_SECONDS },
      login: { q: 7, w: WINDOW_SECONDS },
    })
  })
})
