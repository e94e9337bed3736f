import { config, setConfig } from '@/lib/config'
import { recordCacheRead, recordRequest } from '@/lib/metrics'
import { api } from '../support/api'

const TOKEN = 'a-token-for-the-scraper'

describe('GET /api/metrics', () => {
  afterEach(() => setConfig({ ...config(), metricsToken: undefined }))

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

  it('returns 403 to proxied requests if no token is configured', async () => {
    const { status, json } = await api('GET', '/api/metrics', { headers: { 'X-Forwarded-For': '127.0.0.1' } })
    expect(status).toBe(403)
    expect(json.error.code).toBe('FORBIDDEN')
  })

  it('requires the configured token, also on the loopback interface', async () => {
    setConfig({ ...config(), metricsToken: TOKEN })
    expect((await api('GET', '/api/metrics')).status).toBe(401)
    expect((await api('GET', '/api/metrics', { token: `${TOKEN}x` })).status).toBe(401)
    expect((await api('GET', '/api/metrics', { token: TOKEN })).status).toBe(200)
  })
})
