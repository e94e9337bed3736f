import { PrismaPg } from '@prisma/adapter-pg'
import {
  ColumnTypeEnum,
  DriverAdapterError,
  type SqlDriverAdapter,
  type SqlMigrationAwareDriverAdapterFactory,
  type SqlQueryable,
} from '@prisma/driver-adapter-utils'
import pg from 'pg'

/** An error of PostgreSQL and the script that it comes from. */
export type ScriptError = { error: pg.DatabaseError; script: string }

/** The connections of one request of the engine. */
export type Connections = {
  factory: SqlMigrationAwareDriverAdapterFactory
  /** Returns the error of the last script that failed; the engine reports little of it. */
  scriptError: () => ScriptError | undefined
  close: () => Promise<void>
}

const CONNECT_TIMEOUT_MS = 5000

/** The lock that keeps other migrations out. The engine cannot read the environment variable that switches it off. */
const ADVISORY_LOCK = 'SELECT pg_advisory_lock(72707369)'

/** duplicate_database, and the unique violation that two simultaneous `CREATE DATABASE` can end in. */
const DATABASE_EXISTS = ['42P04', '23505']

/** Returns the database that a URL names; by default PostgreSQL takes the user's name. */
export function databaseOf(url: string): string {
  const { pathname, username } = new URL(url)
  return decodeURIComponent(pathname.slice(1)) || decodeURIComponent(username)
}

function withDatabase(url: string, database: string): string {
  return Object.assign(new URL(url), { pathname: `/${encodeURIComponent(database)}` }).href
}

async function query(url: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: CONNECT_TIMEOUT_MS })
  // Without a listener the error event of a lost connection would end the process.
  client.on('error', () => {})
  try {
    await client.connect()
    await client.query(sql)
  } finally {
    await client.end().catch(() => {})
  }
}

/** Connects once; rejects with the reason if that fails. */
export const probeDatabase = (url: string) => query(url, 'SELECT 1')

/** Creates the database that a URL names, unless it exists. */
export async function createDatabase(url: string): Promise<void> {
  const sql = `CREATE DATABASE ${pg.escapeIdentifier(databaseOf(url))}`
  await query(withDatabase(url, 'postgres'), sql).catch((error: unknown) => {
    if (!(error instanceof pg.DatabaseError && DATABASE_EXISTS.includes(error.code ?? ''))) throw error
  })
}

/** Drops the database that a URL names, and closes the connections to it. */
export const dropDatabase = (url: string) =>
  query(withDatabase(url, 'postgres'), `DROP DATABASE IF EXISTS ${pg.escapeIdentifier(databaseOf(url))} WITH (FORCE)`)

// PostgreSQL's catalogs use the one-byte type "char", which the adapter does not know and the engine expects as a
// character. The adapter gets a text column whose name has a suffix, and its result is corrected.
const CHAR_OID = 18
const TEXT_OID = 25
const CHAR_SUFFIX = '\0char'

function markCharColumns({ fields }: { fields: pg.FieldDef[] }): void {
  for (const field of fields) {
    if (field.dataTypeID === CHAR_OID) Object.assign(field, { dataTypeID: TEXT_OID, name: field.name + CHAR_SUFFIX })
  }
}

function withCharColumns<T extends SqlQueryable>(queryable: T): T {
  const queryRaw = queryable.queryRaw.bind(queryable)
  return Object.assign(queryable, {
    queryRaw: async (sql: Parameters<typeof queryRaw>[0]) => {
      const { columnNames: names, columnTypes, ...result } = await queryRaw(sql)
      return {
        ...result,
        columnTypes: columnTypes.map((type, i) => (names[i]?.endsWith(CHAR_SUFFIX) ? ColumnTypeEnum.Character : type)),
        columnNames: names.map((name) => name.replace(CHAR_SUFFIX, '')),
      }
    },
  })
}

/** Opens a pool of one connection that never closes when idle: locks, `SET` and temporary tables belong to a session. */
function openPool(url: string, schema: string): pg.Pool {
  return new pg.Pool({
    connectionString: url,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    idleTimeoutMillis: 0,
    max: 1,
    onConnect: async (client) => {
      if (client instanceof pg.Client) client.connection.prependListener('rowDescription', markCharColumns)
      if (schema !== 'public') await client.query(`SET search_path TO ${pg.escapeIdentifier(schema)}`)
    },
  })
}

/**
 * Opens connections to a database, or to none: two schema files are compared without one.
 *
 * Migrations are replayed in a shadow database that is created and dropped. A fixed one is rejected, because the
 * WebAssembly engine would not empty it. The adapter's own shadow database would be the main one for a URL.
 */
export function openConnections(url: string | undefined, shadowDatabaseUrl: string | undefined): Connections {
  const open = new Map<pg.Pool, () => Promise<void>>()
  let scriptError: ScriptError | undefined

  async function connect(target: string, afterwards?: () => Promise<void>): Promise<SqlDriverAdapter> {
    const schema = new URL(target).searchParams.get('schema') ?? 'public'
    const pool = openPool(target, schema)
    const adapter = withCharColumns(await new PrismaPg(pool, { schema }).connect())
    const startTransaction = adapter.startTransaction.bind(adapter)
    const executeRaw = adapter.executeRaw.bind(adapter)
    const dispose = async () => {
      if (!open.delete(pool)) return
      await pool.end()
      await afterwards?.()
    }
    open.set(pool, dispose)
    return Object.assign(adapter, {
      dispose,
      executeRaw: async (sql: Parameters<typeof executeRaw>[0]) =>
        sql.sql === ADVISORY_LOCK && process.env['PRISMA_SCHEMA_DISABLE_ADVISORY_LOCK'] ? 0 : executeRaw(sql),
      startTransaction: async (level: Parameters<typeof startTransaction>[0]) =>
        withCharColumns(await startTransaction(level)),
      // The adapter splits a script at every semicolon, even in strings and function bodies, and commits each part.
      executeScript: async (script: string) => {
        try {
          await pool.query(script)
        } catch (error) {
          if (!(error instanceof pg.DatabaseError)) throw error
          scriptError = { error, script }
          const { code = 'XX000', severity = 'ERROR', message, detail, column, hint } = error
          throw new DriverAdapterError({ kind: 'postgres', code, severity, message, detail, column, hint })
        }
      },
    })
  }

  async function connectToShadowDb(): Promise<SqlDriverAdapter> {
    if (url === undefined) throw new Error('Set DATABASE_URL: no database is configured.')
    if (shadowDatabaseUrl !== undefined) throw new Error('Remove shadowDatabaseUrl: a shadow database is created.')
    const shadow = withDatabase(url, `prisma_migrate_shadow_db_${crypto.randomUUID()}`)
    await createDatabase(shadow)
    return connect(shadow, () => dropDatabase(shadow))
  }

  return {
    factory: {
      provider: 'postgres',
      adapterName: '@prisma/adapter-pg',
      connect: () => (url === undefined ? Promise.resolve(offlineAdapter()) : connect(url)),
      connectToShadowDb,
    },
    scriptError: () => scriptError,
    close: async () => {
      await Promise.all([...open.values()].map((dispose) => dispose()))
    },
  }
}

/** Returns an adapter without a database, which knows only what the engine asks first. */
function offlineAdapter(): SqlDriverAdapter {
  const reject = () => Promise.reject(new Error('Set DATABASE_URL: no database is configured.'))
  return {
    provider: 'postgres',
    adapterName: 'offline',
    queryRaw: async ({ sql }) =>
      sql.includes('server_version_num')
        ? {
            columnNames: ['exists', 'version', 'numeric_version'],
            columnTypes: [ColumnTypeEnum.Boolean, ColumnTypeEnum.Text, ColumnTypeEnum.Int32],
            rows: [[true, 'PostgreSQL 18.0', 180000]],
          }
        : reject(),
    executeRaw: reject,
    executeScript: reject,
    startTransaction: reject,
    getConnectionInfo: () => ({ schemaName: 'public', supportsRelationJoins: true }),
    dispose: () => Promise.resolve(),
  }
}
