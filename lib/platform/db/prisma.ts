import { AsyncLocalStorage } from 'node:async_hooks'
import { createHash } from 'node:crypto'
import { PrismaPg } from '@prisma/adapter-pg'
import { LRUCache } from 'lru-cache'
import type pg from 'pg'
import { PrismaClient, type Prisma } from '@/prisma/generated/client'
import { config } from '@/lib/config'
import { Connection, ConnectionPool } from './connection'
import { isTimeout } from './errors'
import { processSingleton } from '@/lib/process-singleton'

/** Time limit for getting a connection, unless the URL has a `connect_timeout`; then clients receive SERVICE_UNAVAILABLE. */
const CONNECTION_TIMEOUT_MS = 1_500
/** PostgreSQL ends a slow statement before the connection would have to be closed. */
const STATEMENT_TIMEOUT_MARGIN_MS = 200
/** Prisma waits longer for a transaction than the pool for its connection, whose error says more. */
const QUEUE_MARGIN_MS = 500
/** Limits the memory that a backend accumulates for its connection. */
const CONNECTION_LIFETIME_SECONDS = 1_800
const CONNECT_PROBE_TIMEOUT_MS = 2_500

type Database = { pool: pg.Pool; client: PrismaClient }

/** A transaction and its after-commit hooks. */
export type TransactionScope = {
  client: Prisma.TransactionClient
  isOpen: boolean
  /** True if the outermost transaction will be rolled back in any case. */
  isDryRun: boolean
  afterCommit: (() => unknown)[]
}

/** Stores the ambient transaction, which `inTransaction` opens, for all queries of the work in it. */
export const transactionScopes = processSingleton('transactions', () => new AsyncLocalStorage<TransactionScope>())

const database = processSingleton('database', connect)

/** Returns the ambient transaction, unless it has ended: work that was not awaited may outlive it. */
export function openTransaction(): TransactionScope | undefined {
  const scope = transactionScopes().getStore()
  return scope?.isOpen === true ? scope : undefined
}

function connect(): Database {
  const { databaseUrl, databasePoolMax, databaseQueryTimeoutMs } = config()
  if (databaseUrl === undefined)
    throw new Error('DATABASE_URL is not set; `npm start` starts an embedded database without it.')
  const pool = new ConnectionPool({
    url: databaseUrl,
    max: databasePoolMax,
    connectionTimeoutMillis: CONNECTION_TIMEOUT_MS,
    query_timeout: databaseQueryTimeoutMs,
    idleTimeoutMillis: 60_000,
    // Without it a backend would continue after the client has timed out.
    statementTimeoutMs: Math.max(1, databaseQueryTimeoutMs - STATEMENT_TIMEOUT_MARGIN_MS),
    maxLifetimeSeconds: CONNECTION_LIFETIME_SECONDS,
  })
  const adapter = new PrismaPg(pool, { statementNameGenerator })
  const maxWait = (pool.options.connectionTimeoutMillis ?? CONNECTION_TIMEOUT_MS) + QUEUE_MARGIN_MS
  return { pool, client: new PrismaClient({ adapter, transactionOptions: { maxWait } }) }
}

const NAMED_STATEMENTS_MAX = 1_000
const statementNames = new Map<string, string>()
const seenOnce = new LRUCache<string, true>({ max: NAMED_STATEMENTS_MAX })

/**
 * Names a SQL text from its second use on, so that each connection parses and plans it once. At most
 * `NAMED_STATEMENTS_MAX` texts are named: clients can produce any number of texts by combining filters, and PostgreSQL
 * stores every named statement until the connection closes. Names are at most 63 bytes long.
 */
function statementNameGenerator({ sql }: { sql: string }): string {
  const known = statementNames.get(sql)
  if (known !== undefined) return known
  if (!seenOnce.has(sql) || statementNames.size >= NAMED_STATEMENTS_MAX) {
    seenOnce.set(sql, true)
    return UNNAMED
  }
  const name = createHash('sha256').update(sql).digest('base64url')
  statementNames.set(sql, name)
  return name
}

/** Selects the extended protocol's unnamed statement, which the next one replaces. */
const UNNAMED = ''

/** Returns the ambient transaction's client within `inTransaction`, otherwise the Prisma client of the process. */
export function prisma(): Prisma.TransactionClient {
  return openTransaction()?.client ?? database().client
}

/** Returns the client's connection pool, for metrics and streaming reads. */
export function databasePool(): pg.Pool {
  return database().pool
}

/**
 * Rejects if the database does not accept a new connection in time. Uses a dedicated connection because the pool may be
 * exhausted; a database that rejects the connection is reachable too.
 */
export async function assertDatabaseReachable(): Promise<void> {
  const { databaseUrl } = config()
  if (databaseUrl === undefined) return
  const client = new Connection({ url: databaseUrl, connectionTimeoutMillis: CONNECT_PROBE_TIMEOUT_MS })
  try {
    await client.connect()
  } catch (cause) {
    if (isTimeout(cause)) throw new Error('Connection terminated: the database does not respond.', { cause })
  } finally {
    client.end().catch(() => undefined)
  }
}

/** Closes all connections; the next call of `prisma` opens new ones. */
export async function disconnect(): Promise<void> {
  const open = database.current()
  database.replace(undefined)
  await open?.client.$disconnect()
  await open?.pool.end()
}
