import { randomUUID } from 'node:crypto'
import { config, setConfig } from '@/lib/config'
import { refund, consume, resetCount } from '@/lib/platform/rate-limiter'
import { disconnectRedis, pingRedis, redis } from '@/lib/platform/redis'
import { type RunningRedis, startRedis } from '../../support/redis'

const original = config()
const limit = { maxRequests: 3, windowSeconds: 60 }

function limitTo(maxRequests: number, windowSeconds = 60, redisUrl = config().redisUrl): void {
  const rateLimits = {
    general: { maxRequests, windowSeconds },
    apiKeysOfUser: limit,
    loginAttempts: limit,
    loginAttemptsOfAddress: limit,
    strict: limit,
  }
  setConfig({ ...config(), redisUrl, rateLimits })
}

async function untilConnected(): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt++) {
    if (await pingRedis().then(() => true).catch(() => false)) return // prettier-ignore
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error('Redis is unreachable.')
}

let server: RunningRedis

beforeAll(async () => {
  server = await startRedis()
})

afterAll(async () => {
  await disconnectRedis()
  setConfig(original)
  await server.kill()
})

describe.each(['memory', 'Redis'])('a limit in %s', (store) => {
  beforeAll(async () => {
    await disconnectRedis()
    limitTo(3, 60, store === 'Redis' ? server.url : undefined)
    if (store === 'Redis') await untilConnected()
  })

  it('allows requests up to the limit, rejects the rest, and returns the state', async () => {
    const key = randomUUID()
    const states = []
    for (let attempt = 0; attempt < 5; attempt++) states.push(await consume('general', key))
    expect(states.map((state) => state?.allowed)).toEqual([true, true, true, false, false])
    expect(states.map((state) => state?.remaining)).toEqual([2, 1, 0, 0, 0])
    expect(states.map((state) => state?.limit)).toEqual([3, 3, 3, 3, 3])
    for (const state of states) expect([59, 60]).toContain(state?.resetSeconds)
  })

  it('allows no more concurrent requests than the limit', async () => {
    const key = randomUUID()
    const states = await Promise.all(Array.from({ length: 50 }, () => consume('general', key)))
    expect(states.filter((state) => state?.allowed)).toHaveLength(3)
  })

  it('counts each key and each limit separately', async () => {
    const [first, second] = [randomUUID(), randomUUID()]
    for (let attempt = 0; attempt < 4; attempt++) await consume('general', first)
    expect(await consume('general', second)).toMatchObject({ allowed: true, remaining: 2 })
    expect(await consume('strict', first)).toMatchObject({ allowed: true, remaining: 2 })
  })

  it('refunds a count', async () => {
    const key = randomUUID()
    for (let attempt = 0; attempt < 3; attempt++) await consume('general', key)
    await refund('general', key)
    expect((await consume('general', key))?.allowed).toBe(true)
    expect((await consume('general', key))?.allowed).toBe(false)
  })

  it('resets a count', async () => {
    const key = randomUUID()
    for (let attempt = 0; attempt < 4; attempt++) await consume('general', key)
    await resetCount('general', key)
    expect(await consume('general', key)).toMatchObject({ allowed: true, remaining: 2 })
  })

  it('starts again after the window', async () => {
    const key = randomUUID()
    limitTo(1, 1)
    await consume('general', key)
    expect((await consume('general', key))?.allowed).toBe(false)
    await new Promise((resolve) => setTimeout(resolve, 1_100))
    expect((await consume('general', key))?.allowed).toBe(true)
  })

  it('counts nothing when it is disabled', async () => {
    limitTo(0)
    expect(await consume('general', randomUUID())).toBeUndefined()
    await refund('general', randomUUID())
    await resetCount('general', randomUUID())
  })
})

describe('a limit in memory', () => {
  it('evicts the least recently used keys', async () => {
    await disconnectRedis()
    setConfig({ ...config(), redisUrl: undefined })
    limitTo(3)
    for (let caller = 0; caller < 50_001; caller++) await consume('general', `caller-${caller}`)
    expect((await consume('general', 'caller-50000'))?.remaining).toBe(1)
    expect((await consume('general', 'caller-0'))?.remaining).toBe(2)
  })
})

describe('a limit in Redis', () => {
  beforeAll(async () => {
    await disconnectRedis()
    limitTo(3, 60, server.url)
    await untilConnected()
  })

  it('counts in memory while Redis is unreachable, and in Redis afterwards', async () => {
    const key = randomUUID()
    for (let attempt = 0; attempt < 4; attempt++) await consume('general', key)
    await server.kill()
    const states = []
    for (let attempt = 0; attempt < 5; attempt++) states.push((await consume('general', key))?.allowed)
    expect(states).toEqual([true, true, true, false, false])
    await server.restart()
    await untilConnected()
    expect((await consume('general', key))?.remaining).toBe(2)
    expect(await redis()?.keys(`*${key}`)).toEqual([`hearth:limit:general:${key}`])
  })

  it('does not wait for a hanging Redis', async () => {
    const key = randomUUID()
    server.pause()
    try {
      expect((await consume('general', key))?.remaining).toBe(2)
      await new Promise((resolve) => setTimeout(resolve, 600))
      for (let attempt = 0; attempt < 20; attempt++) await consume('general', key)
    } finally {
      server.resume()
    }
    await untilConnected()
    expect((await consume('general', randomUUID()))?.remaining).toBe(2)
  })

  it('stores no key without a TTL', async () => {
    const key = randomUUID()
    await consume('general', key)
    expect(await redis()?.ttl(`hearth:limit:general:${key}`)).toBeGreaterThan(0)
  })
})
