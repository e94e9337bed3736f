import { AsyncLocalStorage } from 'node:async_hooks'
import { createHash } from 'node:crypto'
import { PrismaPg } from '@prisma/adapter-pg'
import { LRUCache } from 'lru-cache'
import pg from 'pg'
import { PrismaClient, type Prisma } from '@/prisma/generated/client'
import { config } from '@/lib/config'
import { Connection } from './connection'
import { isTimeout } from './errors'
import { logger } from '@/lib/logger'
import { processSingleton } from '@/lib/process-singleton'

/** How long a request may wait for a connection, and then for its answer, before it is told that the database is down. */
const CONNECTION_TIMEOUT_MS = 1_500
const QUERY_TIMEOUT_MS = 3_000
/** Shorter than the client's time-out, so that the connection survives. */
const STATEMENT_TIMEOUT_MS = 2_800
/** Bounds what a connection accumulates in its backend (seconds). */
const CONNECTION_LIFETIME_SECONDS = 1_800
/** After how long without a greeting a database is taken for silent. */
const CONNECT_PROBE_TIMEOUT_MS = 2_500

/** What a query runs on: the client itself, or a transaction of it that the caller wants the query to be part of. */
export type DbClient = Prisma.TransactionClient

type Database = { pool: pg.Pool; client: PrismaClient }

/** A transaction that work runs in, and what is to be done once it is committed. */
export type TransactionScope = { client: DbClient; isOpen: boolean; afterCommit: (() => unknown)[] }

/** Carries the ambient transaction to the queries of the work in it; `inTransaction` opens it. */
export const transactionScopes = processSingleton('transactions', () => new AsyncLocalStorage<TransactionScope>())

const database = processSingleton('database', connect)

/** The transaction around the caller. Work that goes on after its end has none. */
export function openTransaction(): TransactionScope | undefined {
  const scope = transactionScopes().getStore()
  return scope?.isOpen === true ? scope : undefined
}

function connect(): Database {
  const { databaseUrl, databasePoolMax } = config()
  if (databaseUrl === undefined) throw new Error('DATABASE_URL is not set; `npm start` brings a database of its own.')
  const pool = new pg.Pool({
    Client: Connection,
    connectionString: databaseUrl,
    max: databasePoolMax,
    connectionTimeoutMillis: CONNECTION_TIMEOUT_MS,
    query_timeout: QUERY_TIMEOUT_MS,
    idleTimeoutMillis: 60_000,
    keepAlive: true,
    // The driver adapter writes and reads times without their offset, as if every database lived in UTC.
    // The server ends a statement itself, or its backend would go on after the client has given up.
    options: `-c TimeZone=UTC -c statement_timeout=${STATEMENT_TIMEOUT_MS}`,
    maxLifetimeSeconds: CONNECTION_LIFETIME_SECONDS,
  })
  // An idle connection that breaks is replaced by the pool; without a listener the event would end the process.
  pool.on('error', (error) => logger().warn({ err: error }, 'an idle database connection broke'))
  const adapter = new PrismaPg(pool, { statementNameGenerator })
  return { pool, client: new PrismaClient({ adapter }) }
}

const NAMED_STATEMENTS_MAX = 1_000
const statementNames = new Map<string, string>()
const seenOnce = new LRUCache<string, true>({ max: NAMED_STATEMENTS_MAX })

/**
 * Names a SQL text that was seen before, so that each connection parses and plans it once. Texts that occur once stay
 * unnamed, and so do all beyond `NAMED_STATEMENTS_MAX`: clients can make any number of texts by combining filters, and
 * PostgreSQL stores every named statement for as long as the connection lives. Names are at most 63 bytes long.
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

/** The extended protocol's unnamed statement, which the next one replaces. */
const UNNAMED = ''

/** Returns the ambient transaction's client within `inTransaction`, otherwise the Prisma client of the process. */
export function prisma(): DbClient {
  return openTransaction()?.client ?? database().client
}

/** The pool below the client, for figures and for streaming reads. */
export function databasePool(): pg.Pool {
  return database().pool
}

/**
 * Rejects when the database is silent. It is asked over a connection of its own, since those of the pool may all be busy;
 * to be turned away there is an answer too.
 */
export async function assertDatabaseReachable(): Promise<void> {
  const client = new pg.Client({
    connectionString: config().databaseUrl,
    connectionTimeoutMillis: CONNECT_PROBE_TIMEOUT_MS,
  })
  client.on('error', () => undefined)
  try {
    await client.connect()
  } catch (cause) {
    if (isTimeout(cause)) throw new Error('Connection terminated: the database is silent.', { cause })
  } finally {
    client.end().catch(() => undefined)
  }
}

/** Closes every connection; the next call of `prisma` opens new ones. */
export async function disconnect(): Promise<void> {
  const open = database.current()
  database.replace(undefined)
  await open?.client.$disconnect()
  await open?.pool.end()
}
