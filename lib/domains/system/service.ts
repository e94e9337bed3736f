import { config } from '@/lib/config'
import { checkFileStore } from '@/lib/domains/files/service'
import { probeMail } from '@/lib/platform/mail/transport'
import { pingRedis } from '@/lib/platform/redis'
import { isShuttingDown } from '@/lib/platform/shutdown'
import packageJson from '@/package.json'
import * as repository from './repository'
import type { DependencyState, Greeting, Readiness } from './schema'

const CHECK_TIMEOUT_MS = 2_000

/** What `GET /api` tells of itself. */
export function greeting(): Greeting {
  return {
    name: 'Hearth',
    version: packageJson.version,
    documents: { openapi: '/api/openapi.json', postman: '/api/postman.json', reference: '/api/docs' },
  }
}

async function probe(ask: () => Promise<unknown>): Promise<DependencyState> {
  const startedAt = performance.now()
  let timer: NodeJS.Timeout | undefined
  try {
    const late = new Promise((_resolve, reject) => {
      timer = setTimeout(() => reject(new Error('The check took too long.')), CHECK_TIMEOUT_MS)
    })
    await Promise.race([ask(), late])
    return { status: 'ok', latencyMs: Math.round((performance.now() - startedAt) * 100) / 100 }
  } catch {
    return { status: 'down' }
  } finally {
    clearTimeout(timer)
  }
}

/** A probe that is run at most once in so many milliseconds, however many ask. */
function cachedProbe(intervalMs: number, ask: () => Promise<unknown>): () => Promise<DependencyState> {
  let latest: { askedAt: number; state: Promise<DependencyState> } | undefined
  return () => {
    const now = performance.now()
    if (latest === undefined || now - latest.askedAt >= intervalMs) latest = { askedAt: now, state: probe(ask) }
    return latest.state
  }
}

const databaseState = cachedProbe(500, repository.pingDatabase)
const askRedis = cachedProbe(500, pingRedis)
const filesState = cachedProbe(5_000, checkFileStore)
// A mail server would not like to be greeted every second.
const mailState = cachedProbe(30_000, probeMail)

async function redisState(): Promise<DependencyState> {
  return config().redisUrl === undefined ? { status: 'off' } : askRedis()
}

let migrated = false

/** Migrations only ever arrive: once all are there, they need not be counted again. */
async function assertMigrated(): Promise<void> {
  if (migrated) return
  const pending = await repository.pendingMigrations()
  if (pending.length > 0) throw new Error(`${pending.length} migrations are pending.`)
  migrated = true
}

/**
 * Whether this process can do its work: each dependency, and the needed ones together. Redis, mail and the file store
 * are told of but not needed: limits and cache go on in memory, mail waits in the queue, and all but files is served.
 */
export async function readiness(): Promise<Readiness> {
  const [database, migrations, redis, mail, files] = await Promise.all([
    databaseState(),
    probe(assertMigrated),
    redisState(),
    mailState(),
    filesState(),
  ])
  const needed = { database, migrations: { status: migrations.status } }
  const works = Object.values(needed).every((check) => check.status === 'ok') && !isShuttingDown()
  const checks = { ...needed, redis, files, mail }
  return { status: works ? 'ok' : 'down', checks }
}
