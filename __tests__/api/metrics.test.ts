import request from 'supertest'
import { config, setConfig } from '@/lib/config'
import { recordCacheRead, recordRequest } from '@/lib/metrics'
import { createHttpServer } from '@/lib/server/http-server'
import handler from '@/pages/api/metrics'
import { api } from '../support/api'

const TOKEN = 'a-token-for-the-scraper'

describe('GET /api/metrics', () => {
  afterEach(() => setConfig({ ...config(), metricsToken: undefined, trustProxy: 0 }))

  it('returns metrics of requests by route and status, event loop, pools, cache and queue', async () => {
    recordRequest({ method: 'GET', route: '/api/users/[id]', status: 200, seconds: 0.003 })
    recordCacheRead('products', 'hit')
    const { status, headers, text } = await api('GET', '/api/metrics')
    expect(status).toBe(200)
    expect(headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/)
    expect(text).toContain(
      'http_request_duration_seconds_bucket{le="0.005",method="GET",route="/api/users/[id]",status="200"} 1',
    )
    expect(text).toContain('hearth_cache_reads_total{group="products",outcome="hit"} 1')
    for (const name of [
      'nodejs_eventloop_lag_p99_seconds',
      'hearth_database_connections_open',
      'hearth_password_tasks_waiting',
    ]) {
      expect(text).toMatch(new RegExp(`^${name} [\\d.e-]+$`, 'm'))
    }
    expect(text).toMatch(/^hearth_jobs_waiting \d+$/m)
  })

  it.each([
    { 'X-Forwarded-For': '127.0.0.1' },
    { 'X-Forwarded-Proto': 'https' },
    { 'X-Real-IP': '127.0.0.1' },
    { Forwarded: 'for=127.0.0.1' },
    { Via: '1.1 proxy' },
  ])('returns 403 for the headers %j if no token is configured', async (headers) => {
    const { status, json } = await api('GET', '/api/metrics', { headers })
    expect([status, json.error.code]).toEqual([403, 'FORBIDDEN'])
  })

  it.each([
    ['localhost', 200],
    ['127.0.0.1:3000', 200],
    ['[::1]:3000', 200],
    ['api.example.com', 403],
    ['127.0.0.1.evil.example', 403],
    ['localhost.evil.example:3000', 403],
  ])('for the Host %s returns %i', async (host, status) => {
    // `fetch` does not send another Host.
    const server = createHttpServer((req, res) => handler(req, res))
    expect((await request(server).get('/api/metrics').set('Host', host)).status).toBe(status)
  })

  it('returns 403 behind a trusted proxy if no token is configured', async () => {
    setConfig({ ...config(), trustProxy: 1 })
    expect((await api('GET', '/api/metrics')).status).toBe(403)
  })

  it('requires the configured token, also on the loopback interface', async () => {
    setConfig({ ...config(), metricsToken: TOKEN })
    expect((await api('GET', '/api/metrics')).status).toBe(401)
    expect((await api('GET', '/api/metrics', { token: `${TOKEN}x` })).status).toBe(401)
    expect((await api('GET', '/api/metrics', { token: TOKEN })).status).toBe(200)
  })
})
