import { config } from '@/lib/config'
import { checkFileStore } from '@/lib/domains/files/service'
import type { User } from '@/lib/domains/users/schema'
import { getUser } from '@/lib/domains/users/service'
import { collectMetrics, METRICS_CONTENT_TYPE, renderMetrics } from '@/lib/metrics'
import { hasScope, type Actor } from '@/lib/platform/identity/actor'
import { probeMail } from '@/lib/platform/mail/transport'
import { callPrimary, isGroupMember, onCall } from '@/lib/platform/processes/process-group'
import { pingRedis } from '@/lib/platform/redis'
import { isShuttingDown } from '@/lib/platform/shutdown'
import packageJson from '@/package.json'
import { registerProcessMetrics } from './metrics'
import * as repository from './repository'
import type { DependencyState, Greeting, Readiness } from './schema'

const CHECK_TIMEOUT_MS = 2_000

/** Returns the metrics of all processes of this server in Prometheus' text format. */
export async function renderServerMetrics(): Promise<{ contentType: string; text: string }> {
  registerProcessMetrics()
  const text = isGroupMember() ? String(await callPrimary('metrics')) : await renderMetrics()
  return { contentType: METRICS_CONTENT_TYPE, text }
}

/** Has the primary process collect the metrics of this one. */
export function offerProcessMetrics(): void {
  registerProcessMetrics()
  onCall('collect-metrics', collectMetrics)
}

/** Returns the body of `GET /api`. */
export function greeting(): Greeting {
  return {
    name: 'Hearth',
    version: packageJson.version,
    documents: { openapi: '/api/openapi.json', postman: '/api/postman.json', reference: '/api/docs' },
  }
}

/** Returns the body of `GET /api/protected`; an API key without `users:read` learns nothing about its owner. */
export async function greetCaller(actor: Actor): Promise<{ message: string; user?: User }> {
  if (!hasScope(actor, 'users:read')) return { message: 'Hello, API key' }
  const user = await getUser(actor, actor.userId)
  return { message: `Hello, ${user.name ?? user.email}`, user }
}

async function probe(check: () => Promise<unknown>): Promise<DependencyState> {
  const startedAt = performance.now()
  let timer: NodeJS.Timeout | undefined
  try {
    const timeout = new Promise((_resolve, reject) => {
      timer = setTimeout(() => reject(new Error('The check timed out.')), CHECK_TIMEOUT_MS)
    })
    await Promise.race([check(), timeout])
    return { status: 'ok', latencyMs: Math.round((performance.now() - startedAt) * 100) / 100 }
  } catch {
    return { status: 'down' }
  } finally {
    clearTimeout(timer)
  }
}

/** Creates a probe that runs at most once per interval, however often it is called. */
function cachedProbe(intervalMs: number, check: () => Promise<unknown>): () => Promise<DependencyState> {
  let latest: { startedAt: number; state: Promise<DependencyState> } | undefined
  return () => {
    const now = performance.now()
    if (latest === undefined || now - latest.startedAt >= intervalMs) latest = { startedAt: now, state: probe(check) }
    return latest.state
  }
}

const databaseState = cachedProbe(500, repository.pingDatabase)
const redisProbe = cachedProbe(500, pingRedis)
const filesState = cachedProbe(5_000, checkFileStore)
// Mail servers may block clients that connect every second.
const mailState = cachedProbe(30_000, probeMail)

async function redisState(): Promise<DependencyState> {
  return config().redisUrl === undefined ? { status: 'off' } : redisProbe()
}

let migrated = false

/** Remembers success, because applied migrations stay applied. */
async function assertMigrated(): Promise<void> {
  if (migrated) return
  const pending = await repository.pendingMigrations()
  if (pending.length > 0) throw new Error(`${pending.length} migrations are pending.`)
  migrated = true
}

/**
 * Checks every dependency. Redis, mail and the file store are reported but not required: rate limits and cache fall back
 * to memory, mail waits in the queue, and all routes but those of files work.
 */
export async function readiness(): Promise<Readiness> {
  const [database, migrations, redis, mail, files] = await Promise.all([
    databaseState(),
    probe(assertMigrated),
    redisState(),
    mailState(),
    filesState(),
  ])
  const required = { database, migrations: { status: migrations.status } }
  const isReady = Object.values(required).every((check) => check.status === 'ok') && !isShuttingDown()
  const checks = { ...required, redis, files, mail }
  return { status: isReady ? 'ok' : 'down', checks }
}
