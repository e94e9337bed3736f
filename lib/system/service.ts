import { settings } from '@/lib/config'
import { pingRedis } from '@/lib/redis'
import packageJson from '@/package.json'
import * as repository from './repository'
import type { DependencyState, Greeting, Readiness } from './schema'

const CHECK_TIMEOUT_MS = 2_000

declare global {
  /** Set once the process was told to stop: it still answers, but asks for no new work. */
  var hearthIsStopping: boolean | undefined
}

/** Makes the process not ready, for the time that it still answers what is under way. */
export function announceStop(): void {
  globalThis.hearthIsStopping = true
}

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

async function redisState(): Promise<DependencyState> {
  return settings().redisUrl === undefined ? { status: 'off' } : probe(pingRedis)
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
 * Whether this process can do its work: each dependency, and the needed ones together. Redis is told of but not needed:
 * while it is away, limits and cache go on in memory.
 */
export async function readiness(): Promise<Readiness> {
  const [database, migrations, redis] = await Promise.all([
    probe(repository.pingDatabase),
    probe(assertMigrated),
    redisState(),
  ])
  const needed = { database, migrations: { status: migrations.status } }
  const works = Object.values(needed).every((check) => check.status === 'ok') && globalThis.hearthIsStopping !== true
  const checks = { ...needed, redis }
  return { status: works ? 'ok' : 'down', checks }
}
