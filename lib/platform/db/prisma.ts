import { AsyncLocalStorage } from 'node:async_hooks'
import { createHash } from 'node:crypto'
import { PrismaPg } from '@prisma/adapter-pg'
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
    options: '-c TimeZone=UTC',
  })
  // An idle connection that breaks is replaced by the pool; without a listener the event would end the process.
  pool.on('error', (error) => logger().warn({ err: error }, 'an idle database connection broke'))
  const adapter = new PrismaPg(pool, { statementNameGenerator })
  return { pool, client: new PrismaClient({ adapter }) }
}

/** A name per SQL text, so that PostgreSQL parses and plans each text once a connection. Names hold 63 bytes. */
function statementNameGenerator(query: { sql: string }): string {
  const known = statementNames.get(query.sql)
  if (known !== undefined) return known
  const name = createHash('sha256').update(query.sql).digest('base64url')
  if (statementNames.size < MAX_STATEMENT_NAMES) statementNames.set(query.sql, name)
  return name
}

const MAX_STATEMENT_NAMES = 2_000
const statementNames = new Map<string, string>()

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
