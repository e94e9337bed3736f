import { uniqueEmail, PASSWORD } from '../support/factories'
import { redisKeys, type RunningRedis, startRedis } from '../support/redis'
import { type RunningServer, startServer } from '../support/server'

jest.setTimeout(180_000)

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

async function statusOf(server: RunningServer, path: string, headers: Record<string, string> = {}): Promise<number> {
  const response = await fetch(`${server.url}${path}`, { headers })
  await response.arrayBuffer()
  return response.status
}

describe('two servers with one Redis', () => {
  let redis: RunningRedis
  const servers: RunningServer[] = []

  beforeAll(async () => {
    redis = await startRedis()
    const limits = { RATE_LIMIT_REQUESTS: '5', RATE_LIMIT_LOGIN_ATTEMPTS: '3', REDIS_URL: redis.url, TRUST_PROXY: '1' }
    const first = await startServer(limits)
    servers.push(first, await startServer(limits, { databaseUrl: first.databaseUrl ?? '' }))
  })

  afterAll(async () => {
    for (const server of servers.toReversed()) await server.remove()
    await redis.kill()
  })

  it('share the counters of a caller', async () => {
    const headers = { 'X-Forwarded-For': '192.0.2.1' }
    const statuses = []
    for (const index of [0, 1, 0, 1, 0, 1, 0]) {
      const server = servers[index]
      if (server !== undefined) statuses.push(await statusOf(server, '/api/hello', headers))
    }
    expect(statuses).toEqual([200, 200, 200, 200, 200, 429, 429])
  })

  it('share the counters of failed logins', async () => {
    const email = uniqueEmail()
    const statuses = []
    for (const [attempt, server] of [...servers, ...servers].entries()) {
      const response = await fetch(`${server.url}/api/auth/login`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', 'X-Forwarded-For': '192.0.2.2' },
        body: JSON.stringify({ email, password: `guess ${attempt}` }),
      })
      statuses.push(response.status)
    }
    expect(statuses).toEqual([401, 401, 401, 429])
  })

  it('store no e-mail address in Redis', async () => {
    expect((await redisKeys(redis.url)).join()).not.toContain('@')
  })
})

describe('one server', () => {
  it('limits unknown routes, malformed URLs and forged addresses', async () => {
    const server = await startServer({ RATE_LIMIT_REQUESTS: '4' })
    try {
      const statuses = []
      for (const path of ['/nothing', '/api/nothing', '/api/%zz', '/api/hello', '/api/nothing', '/%', '/api/hello']) {
        statuses.push(await statusOf(server, path, { 'X-Forwarded-For': `192.0.2.${statuses.length}` }))
      }
      expect(statuses).toEqual([404, 404, 400, 200, 429, 429, 429])
      expect(await statusOf(server, '/api/health')).toBe(200)
      expect(await statusOf(server, '/api/ready')).toBe(200)
    } finally {
      await server.remove()
    }
  })

  it('keeps limiting while Redis is killed, hangs and restarts under load', async () => {
    const redis = await startRedis()
    const server = await startServer({
      RATE_LIMIT_REQUESTS: '50',
      RATE_LIMIT_WINDOW_SECONDS: '2',
      REDIS_URL: redis.url,
    })
    const seen: { status: number }[] = []
    const load = new AbortController()
    const client = async () => {
      while (!load.signal.aborted) {
        const status = await statusOf(server, '/api/hello')
        seen.push({ status })
      }
    }
    const stateOfRedis = async () => {
      const { checks } = await (await fetch(`${server.url}/api/ready`)).json()
      return checks.redis.status
    }
    const shareSince = (from: number) => {
      const responses = seen.slice(from)
      return responses.filter((response) => response.status === 200).length / responses.length
    }
    try {
      const clients = Array.from({ length: 20 }, client)
      await pause(1_000)
      expect(await stateOfRedis()).toBe('ok')

      await redis.kill()
      await pause(500)
      expect(await stateOfRedis()).toBe('down')
      expect(await statusOf(server, '/api/ready')).toBe(200)
      const without = seen.length
      await pause(3_000)
      // Some requests are allowed in each window, and no more than the limit.
      expect(shareSince(without)).toBeGreaterThan(0)
      expect(shareSince(without) * (seen.length - without)).toBeLessThanOrEqual(50 * 3)
      expect(seen.length - without).toBeGreaterThan(50 * 3)

      await redis.restart()
      await pause(2_500)
      expect(await stateOfRedis()).toBe('ok')
      expect(await redisKeys(redis.url)).toContainEqual(expect.stringMatching(/^hearth:limit:general:address:/))

      redis.pause()
      await pause(1_500)
      redis.resume()
      await pause(1_500)
      load.abort()
      await Promise.all(clients)
      expect(await stateOfRedis()).toBe('ok')
      expect(seen.filter(({ status }) => status !== 200 && status !== 429)).toEqual([])
      expect(server.output()).not.toMatch(/"level":"(error|fatal)"/)
    } finally {
      load.abort()
      await redis.kill()
      await server.remove()
    }
  })

  it('starts without Redis, reports it, and accepts logins', async () => {
    const server = await startServer({ REDIS_URL: 'redis://127.0.0.1:1', RATE_LIMIT_REQUESTS: '300' })
    try {
      const ready = await fetch(`${server.url}/api/ready`)
      expect(ready.status).toBe(200)
      expect(await ready.json()).toMatchObject({ status: 'ok', checks: { redis: { status: 'down' } } })
      const response = await fetch(`${server.url}/api/auth/register`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify({ email: uniqueEmail(), password: PASSWORD }),
      })
      expect(response.status).toBe(201)
      expect(response.headers.get('ratelimit-remaining')).toBe('299')
    } finally {
      await server.remove()
    }
  })
})
