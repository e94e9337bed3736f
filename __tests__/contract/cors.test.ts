import { randomUUID } from 'node:crypto'
import { config, setConfig } from '@/lib/config'
import { api } from '../support/api'
import { loggedLines } from '../support/log'
import { byName, fill, operations } from './operations'

const ORIGIN = 'https://app.example'
const original = config()
beforeAll(() => setConfig({ ...original, corsOrigins: [ORIGIN] }))
afterAll(() => setConfig(original))

/** The request headers that a page may send, as API.md lists them. */
const REQUEST_HEADERS = [
  ...['authorization', 'content-type', 'accept', 'x-request-id', 'idempotency-key', 'prefer', 'range', 'last-event-id'],
  ...['if-match', 'if-none-match', 'if-modified-since', 'if-unmodified-since', 'if-range'],
  ...['traceparent', 'tracestate', 'baggage', 'sentry-trace'],
  ...['x-datadog-trace-id', 'x-datadog-parent-id', 'x-datadog-origin', 'x-datadog-sampling-priority', 'x-datadog-new'],
]

const EXPOSED_HEADERS = [
  ...['x-request-id', 'etag', 'link', 'location', 'retry-after', 'preference-applied', 'content-range'],
  ...['ratelimit', 'ratelimit-policy', 'ratelimit-limit', 'ratelimit-remaining', 'ratelimit-reset'],
  ...['idempotency-replayed', 'deprecation', 'sunset'],
]

const namesIn = (header: string | null) => (header ?? '').toLowerCase().split(/, */)

function preflight(url: string, { method = 'GET', origin = ORIGIN, headers = '' } = {}) {
  return api('OPTIONS', url, {
    headers: {
      Origin: origin,
      'Access-Control-Request-Method': method,
      'Access-Control-Request-Headers': headers,
    },
  })
}

describe.each(byName(operations))('a page that calls %s', (_name, { method, path }) => {
  it('may send every header of the API, and reads those of the response, errors included', async () => {
    const url = fill(path, {})
    const { status, text, headers } = await preflight(url, { method, headers: REQUEST_HEADERS.join(',') })
    expect([status, text, headers.get('access-control-allow-origin')]).toEqual([204, '', ORIGIN])
    expect(headers.get('access-control-allow-credentials')).toBe('true')
    expect(Number(headers.get('access-control-max-age'))).toBeGreaterThan(0)
    expect(namesIn(headers.get('access-control-allow-methods'))).toContain(method.toLowerCase())
    expect(namesIn(headers.get('access-control-allow-headers'))).toEqual(expect.arrayContaining(REQUEST_HEADERS))
    expect(namesIn(headers.get('vary'))).toContain('origin')

    const failed = await api(method, `${url}?nope=1`, { headers: { Origin: ORIGIN }, token: 'invalid' })
    expect(failed.headers.get('access-control-allow-origin')).toBe(ORIGIN)
    expect(namesIn(failed.headers.get('access-control-expose-headers'))).toEqual(
      expect.arrayContaining(EXPOSED_HEADERS),
    )
    expect(namesIn(failed.headers.get('vary'))).toContain('origin')
  })
})

describe('a preflight', () => {
  it('allows no other header, whatever it names', async () => {
    const headers = 'x-datadog-,x-datadog-a b,x-other,x-datadog-ok'
    const allowed = namesIn((await preflight('/api/hello', { headers })).headers.get('access-control-allow-headers'))
    expect(allowed).toContain('x-datadog-ok')
    for (const name of ['x-datadog-', 'x-datadog-a b', 'x-other']) expect(allowed).not.toContain(name)
  })

  it('of an unknown path is allowed, so that the page can read the 404', async () => {
    expect((await preflight('/api/unknown')).status).toBe(204)
  })

  it('of another origin is refused, and one log line names the setting', async () => {
    const origin = `https://${randomUUID()}.example`
    for (let times = 0; times < 2; times += 1) {
      const { status, headers } = await preflight('/api/hello', { origin })
      expect([status, headers.get('access-control-allow-origin'), namesIn(headers.get('vary'))[0]]).toEqual([
        ...[204, null, 'origin'],
      ])
    }
    const lines = loggedLines().filter((line) => line['origin'] === origin)
    expect(lines.map(({ level, msg }) => [level, msg])).toEqual([['info', 'origin refused: it is not in CORS_ORIGINS']])
  })
})
