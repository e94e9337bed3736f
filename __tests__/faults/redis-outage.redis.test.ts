import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { RECOVERY_MS, runThroughOutage } from '../support/run-through-outage'
import { type RunningRedis, startRedis } from '../support/redis'
import { cachedAgainMs, cachingSettings, prepareCatalogue } from '../support/redis-outage'
import { type RunningServer, startServer } from '../support/server'

jest.setTimeout(180_000)

let folder: string
let redis: RunningRedis
let first: RunningServer
let second: RunningServer

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hearth-redis-'))
  redis = await startRedis(folder)
  const settings = { ...cachingSettings, REDIS_URL: redis.url }
  first = await startServer(settings)
  second = await startServer(settings, { databaseUrl: first.databaseUrl ?? '' })
})

afterAll(async () => {
  await second.remove()
  await first.remove()
  await redis.kill()
  await rm(folder, { recursive: true, force: true })
})

describe('an outage of Redis under load', () => {
  it.each([
    ['killed, restarted with its data after 20 s', 20_000, () => redis.kill(), () => redis.restart()],
    ['paused for 4 s', 4_000, () => redis.pause(), async () => redis.resume()],
  ] as const)('(%s) causes no error and no stale response', async (...outage) => {
    const [, outageMs, begin, end] = outage
    const { streams, startWriting } = await prepareCatalogue([first.url, second.url])
    const writing = startWriting()
    const load = [...streams.cached, ...streams.others]
    const report = await runThroughOutage({ url: first.url, streams: load, begin, outageMs, end })
    const { writes, failed, stale } = await writing.stop()
    expect(report.faults.slice(0, 20)).toEqual([])
    const all = Object.values(report.seen).flat()
    expect(all.filter(({ response }) => response?.status !== 200)).toEqual([])
    const limited = all.filter(({ call }) => call.path !== '/api/ready')
    expect(limited.filter(({ response }) => response?.headers['ratelimit-remaining'] === undefined)).toEqual([])
    expect(report.longestMs).toBeLessThan(2_000)
    expect({ failed: failed.slice(0, 20), stale: stale.slice(0, 20) }).toEqual({ failed: [], stale: [] })
    expect(writes).toBeGreaterThan(outageMs / 100)

    expect(report.seen.before.some(({ response }) => response?.headers['x-cache'] === 'hit')).toBe(true)
    expect(cachedAgainMs(report, streams.cached)).toBeLessThan(RECOVERY_MS)
    for (const { output } of [first, second]) expect(output()).not.toMatch(/"level":"(error|fatal)"/)
  })
})
