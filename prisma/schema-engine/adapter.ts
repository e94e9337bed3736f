import { PrismaPg } from '@prisma/adapter-pg'
import { DriverAdapterError } from '@prisma/driver-adapter-utils'
import type {
  IsolationLevel,
  SqlDriverAdapter,
  SqlMigrationAwareDriverAdapterFactory,
  SqlQuery,
} from '@prisma/driver-adapter-utils'
import pg from 'pg'
import { withCharColumns } from './char-columns'
import { openPool, schemaOf, withDatabase } from './connection'
import { createDatabase, dropDatabase } from './databases'
import type { ScriptError } from './script-errors'

/** What is told of a script the server refused, besides the error the engine gets. */
type OnScriptError = (error: ScriptError) => void

/** What the engine runs to keep other migrations out; having no environment, it cannot see that it should not. */
const ADVISORY_LOCK = 'SELECT pg_advisory_lock(72707369)'

const NO_FIXED_SHADOW = 'Leave shadowDatabaseUrl out: a shadow database is created and dropped as needed'

const skipsLock = ({ sql }: SqlQuery): boolean =>
  sql === ADVISORY_LOCK && Boolean(process.env['PRISMA_SCHEMA_DISABLE_ADVISORY_LOCK'])

const adapterError = ({ code, severity, message, detail, column, hint }: pg.DatabaseError): DriverAdapterError =>
  new DriverAdapterError({
    kind: 'postgres',
    code: code ?? 'XX000',
    severity: severity ?? 'ERROR',
    message,
    detail,
    column,
    hint,
  })

/**
 * Makes the function that runs a script of several statements.
 *
 * The adapter's own cuts a script at every semicolon, those inside strings and function bodies too, and commits each
 * piece by itself. A migration goes to the server whole, as the native engine sends it, and fails whole.
 */
const scriptRunner =
  (pool: pg.Pool, onError: OnScriptError) =>
  async (script: string): Promise<void> => {
    try {
      await pool.query(script)
    } catch (error) {
      if (!(error instanceof pg.DatabaseError)) throw error
      onError({ error, script })
      throw adapterError(error)
    }
  }

/** Gives the engine its connections, and closes whatever the engine leaves open. */
export interface EngineConnections {
  readonly factory: SqlMigrationAwareDriverAdapterFactory
  readonly scriptError: () => ScriptError | undefined
  readonly close: () => Promise<void>
}

/**
 * Makes the connections for one request of the engine.
 *
 * Migrations are replayed in a shadow database, created for the purpose and dropped afterwards; a fixed one is refused,
 * because the WebAssembly engine would not empty it between two uses. The adapter's own way of making one connects back to the main database whenever it was given a
 * connection URL, so it is not used.
 */
export const createConnections = (url: string, shadowDatabaseUrl: string | undefined): EngineConnections => {
  const open = new Set<() => Promise<void>>()
  let scriptError: ScriptError | undefined

  const connect = async (target: string, afterwards?: () => Promise<void>): Promise<SqlDriverAdapter> => {
    const pool = openPool(target)
    const adapter = await new PrismaPg(pool, { schema: schemaOf(target) }).connect()
    const dispose = async (): Promise<void> => {
      if (!open.delete(dispose)) return
      await pool.end()
      await afterwards?.()
    }
    open.add(dispose)
    const startTransaction = adapter.startTransaction.bind(adapter)
    const executeRaw = adapter.executeRaw.bind(adapter)
    return Object.assign(withCharColumns(adapter), {
      executeRaw: async (query: SqlQuery) => (skipsLock(query) ? 0 : executeRaw(query)),
      startTransaction: async (level?: IsolationLevel) => withCharColumns(await startTransaction(level)),
      executeScript: scriptRunner(pool, (error) => {
        scriptError = error
      }),
      dispose,
    })
  }

  const connectToTemporaryDatabase = async (): Promise<SqlDriverAdapter> => {
    const temporary = withDatabase(url, `prisma_migrate_shadow_db_${crypto.randomUUID()}`)
    await createDatabase(temporary)
    return connect(temporary, () => dropDatabase(temporary))
  }

  return {
    factory: {
      provider: 'postgres',
      adapterName: '@prisma/adapter-pg',
      connect: () => connect(url),
      connectToShadowDb: () =>
        shadowDatabaseUrl === undefined ? connectToTemporaryDatabase() : Promise.reject(new Error(NO_FIXED_SHADOW)),
    },
    scriptError: () => scriptError,
    close: async () => {
      await Promise.all([...open].map((dispose) => dispose()))
    },
  }
}
