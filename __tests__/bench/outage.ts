import { mkdtemp, rm } from 'node:fs/promises'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { outageSettings, prepareClients } from '../support/database-outage'
import { type OutageReport, type Phase, runThroughOutage } from '../support/run-through-outage'
import { type RunningPostgres, startPostgres } from '../support/postgres'
import { startRedis } from '../support/redis'
import { cachedAgainMs, cachingSettings, prepareCatalogue } from '../support/redis-outage'
import { startServer } from '../support/server'
import { median, table } from './load'

const say = (line: string) => process.stdout.write(`${line}\n`)

const HEAD = ['outage', 'phase', 'requests', '2xx', '503', 'other or cut', 'p50 ms', 'longest ms']

function rowsOf(name: string, { seen }: OutageReport): (string | number)[][] {
  const phases: Phase[] = ['before', 'during', 'after']
  return phases.map((phase) => {
    const of = seen[phase]
    const good = of.filter(({ response }) => response?.status === 200 || response?.status === 201).length
    const refused = of.filter(({ response }) => response?.status === 503).length
    const times = of.map(({ ms }) => ms)
    const ms = (value: number) => Math.round(value)
    return [
      name,
      phase,
      of.length,
      good,
      refused,
      of.length - good - refused,
      ms(median(times)),
      ms(Math.max(...times)),
    ]
  })
}

const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`

async function benchDatabase(postgres: RunningPostgres): Promise<void> {
  const server = await startServer(outageSettings, { databaseUrl: postgres.url })
  const outages = [
    {
      name: 'killed, restarted after 20 s',
      outageMs: 20_000,
      begin: () => postgres.kill(),
      end: () => postgres.restart(),
    },
    { name: 'paused for 8 s', outageMs: 8_000, begin: () => postgres.pause(), end: () => postgres.resume() },
  ]
  try {
    for (const { name, ...outage } of outages) {
      const { streams, retry, audit } = await prepareClients(server.url)
      const report = await runThroughOutage({ url: server.url, streams, ...outage })
      const { acknowledged, retried } = await retry(Object.values(report.seen).flat())
      const { lost, doubled } = await audit(postgres.url, acknowledged)
      say(`\n${table(HEAD, rowsOf(`PostgreSQL ${name}`, report))}\n`)
      say(
        `Everything is 2xx again ${seconds(report.recoveryMs)} after PostgreSQL is available. Of ${acknowledged.size} ` +
          `acknowledged writes, ${retried} of them sent again under their keys, ${lost.length} are lost and ` +
          `${doubled.length} are there twice.`,
      )
    }
  } finally {
    await server.remove()
  }
}

async function benchRedis(databaseUrl: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'hearth-redis-'))
  const redis = await startRedis(folder)
  const settings = { ...cachingSettings, REDIS_URL: redis.url }
  const first = await startServer(settings, { databaseUrl })
  const second = await startServer(settings, { databaseUrl })
  const outages = [
    { name: 'killed, restarted after 20 s', outageMs: 20_000, begin: () => redis.kill(), end: () => redis.restart() },
    { name: 'paused for 4 s', outageMs: 4_000, begin: () => redis.pause(), end: async () => redis.resume() },
  ]
  try {
    for (const { name, ...outage } of outages) {
      const { streams, startWriting } = await prepareCatalogue([first.url, second.url])
      const writing = startWriting()
      const load = [...streams.cached, ...streams.others]
      const report = await runThroughOutage({ url: first.url, streams: load, ...outage })
      const { writes, failed, stale } = await writing.stop()
      say(`\n${table(HEAD, rowsOf(`Redis ${name}`, report))}\n`)
      say(
        `Responses come from the cache again ${seconds(cachedAgainMs(report, streams.cached))} after Redis is available. Of ` +
          `${writes} writes of products ${failed.length} failed; ${stale.length} reads after them did not show them.`,
      )
    }
  } finally {
    await second.remove()
    await first.remove()
    await redis.kill()
    await rm(folder, { recursive: true, force: true })
  }
}

async function main(): Promise<void> {
  say(`${cpus().length} cores, Node ${process.version}; PostgreSQL, Redis and the clients on the same machine.`)
  const postgres = await startPostgres()
  try {
    await benchDatabase(postgres)
    await benchRedis(postgres.url)
  } finally {
    await postgres.remove()
  }
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`)
  process.exitCode = 1
})
