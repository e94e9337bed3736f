import pg from 'pg'
import { config } from '@/lib/config'
import { logger } from '@/lib/logger'
import { processSingleton } from '@/lib/process-singleton'
import { type Attempt, type DatabaseTarget, databaseTarget, ReadOnlyServerError } from './database-target'
import { endsConnection, isStaleStatement, isTimeout } from './errors'

/**
 * Part of the names of prepared statements. A change of the schema can make a statement permanently unusable on every
 * connection that has prepared it; the next generation of names has all of them prepared again.
 */
const statementGeneration = processSingleton('statement-generation', () => ({ current: 0 }))

type ConnectionConfig = Omit<pg.ClientConfig, 'connectionString'> & {
  /** May name several hosts; without a pool, `connectTo` tries them all. */
  url: string
  /** Ends statements in PostgreSQL. Not applied to single statements over a transaction pooler. */
  statementTimeoutMs?: number
}

/** Returns the time limit for connecting: `connect_timeout` of the URL if it has one. */
function timeoutOf({ url }: DatabaseTarget, { connectionTimeoutMillis }: pg.ClientConfig): pg.ClientConfig {
  const limit = url.connectTimeoutMs ?? connectionTimeoutMillis
  return limit === undefined ? {} : { connectionTimeoutMillis: limit }
}

type NamedQuery = { name: string }

function isNamed(query: unknown): query is NamedQuery {
  return typeof query === 'object' && query !== null && 'name' in query && Boolean(query.name) && !('submit' in query)
}

function replaceStatements(generation: number): void {
  const names = statementGeneration()
  if (names.current === generation) names.current += 1
}

function inheritedMethod(of: object, name: string): (...args: unknown[]) => unknown {
  const method: unknown = Reflect.get(of, name)
  if (typeof method !== 'function') throw new Error(`pg has no method ${name}.`)
  return function inherited(this: unknown, ...args) {
    return Reflect.apply(method, this, args)
  }
}

/**
 * A `pg` client that cannot end the process, and that does not outlive errors after which a connection is of no use.
 * When a query times out it closes itself immediately: otherwise the next statement (ROLLBACK, or another request's query
 * in a transaction that is never committed) would queue behind the hung one.
 */
export class Connection extends pg.Client {
  /** Set by errors that later queries on this connection would repeat; the pool then closes it. */
  mustClose = false
  readonly attempt: Attempt
  readonly target: DatabaseTarget
  /** False behind a connection pooler, where a session's settings and prepared statements may not last. */
  private isDirect = true
  private readonly statementTimeoutMs: number | undefined

  constructor({ url, statementTimeoutMs, ...settings }: ConnectionConfig) {
    const target = databaseTarget(url)
    const attempt = target.next()
    super({ keepAlive: true, ...settings, ...timeoutOf(target, settings), ...attempt.settings })
    this.target = target
    this.attempt = attempt
    this.statementTimeoutMs = statementTimeoutMs
    // PostgreSQL can end a connection at any moment, also between two queries of a transaction. The next query fails by
    // itself; without a listener the event would end the process.
    this.on('error', () => undefined)
    Reflect.set(this, 'query', (first: unknown, ...rest: unknown[]): unknown => {
      const { current } = statementGeneration()
      // Looked up for each query, since tests replace it for a while.
      const query = inheritedMethod(pg.Client.prototype, 'query').bind(this)
      const result = query(this.adapt(first, current), ...rest)
      if (result instanceof Promise) result.catch((error: unknown) => this.handleFailure(error, current))
      return result
    })
    const startupMessage = inheritedMethod(pg.Client.prototype, 'getStartupConf').bind(this)
    // The driver adapter omits the offset of times, as if the session's time zone were UTC. Poolers refuse the parameter
    // `options`, but accept and restore this one.
    Reflect.set(this, 'getStartupConf', () => ({ ...Object(startupMessage()), TimeZone: 'UTC' }))
  }

  /**
   * Prepares a new connection with one query. A pooler does not reveal PostgreSQL's process id in its handshake.
   * @throws ReadOnlyServerError when the URL asks for a server that accepts writes
   */
  async initialize(): Promise<void> {
    const { rows } = await this.query<{ direct: boolean; readOnly: boolean }>({
      text: `SELECT pg_backend_pid() = $1 AS direct, current_setting('transaction_read_only') = 'on' AS "readOnly",
        CASE WHEN pg_backend_pid() = $1 AND $2 <> '' THEN set_config('statement_timeout', $2, false) END`,
      values: [Reflect.get(this, 'processID'), String(this.statementTimeoutMs ?? '')],
    })
    this.isDirect = rows[0]?.direct === true
    if (rows[0]?.readOnly === true && this.target.requiresReadWrite) {
      const { host, port } = this.attempt.host
      throw new ReadOnlyServerError(`The database server at ${host}:${port} is read-only.`)
    }
  }

  private adapt(query: unknown, generation: number): unknown {
    if (!isNamed(query)) return this.isDirect ? query : this.withLocalTimeout(query)
    const { databaseStatements } = config()
    if (databaseStatements === 'unnamed' || (databaseStatements === undefined && !this.isDirect)) {
      return { ...query, name: undefined }
    }
    return generation === 0 ? query : { ...query, name: `${query.name}.${generation}` }
  }

  /** Limits the statements of a transaction where the session is not ours alone, in the same round trip as BEGIN. */
  private withLocalTimeout(query: unknown): unknown {
    const text: unknown = typeof query === 'object' && query !== null && 'text' in query ? query.text : query
    if (text !== 'BEGIN' || this.statementTimeoutMs === undefined) return query
    return `BEGIN; SET LOCAL statement_timeout = ${this.statementTimeoutMs}`
  }

  private handleFailure(error: unknown, generation: number): void {
    if (isStaleStatement(error)) replaceStatements(generation)
    if (endsConnection(error)) this.mustClose = true
    if (isTimeout(error)) void this.end()
  }
}

/** Opens a connection of its own to the first host that accepts it. The caller ends it. */
export async function connectTo(settings: ConnectionConfig): Promise<Connection> {
  for (let left = databaseTarget(settings.url).attemptsMax; ; left -= 1) {
    const client = new Connection(settings)
    try {
      await client.connect()
      await client.initialize()
      return client
    } catch (error) {
      void client.end().catch(() => undefined)
      if (!client.target.noteFailure(client.attempt, error) || left <= 1) throw error
    }
  }
}

/**
 * A pool of such connections. A query outside of a transaction is repeated once if its prepared statement was stale:
 * PostgreSQL had not begun to execute it.
 */
export class ConnectionPool extends pg.Pool {
  constructor(settings: ConnectionConfig & Omit<pg.PoolConfig, 'connectionString'>) {
    const target = databaseTarget(settings.url)
    super({
      ...settings,
      ...timeoutOf(target, settings),
      Client: class extends Connection {
        constructor() {
          super(settings)
        }
      },
      onConnect: async (client) => {
        if (client instanceof Connection) await client.initialize()
      },
    })
    // The pool replaces a broken idle connection; without a listener, the event would end the process.
    this.on('error', (error) => logger().warn({ err: error }, 'idle database connection lost'))
    // graphile-worker warns about pools without such a listener.
    this.on('connect', (client) => client.on('error', () => undefined))
    this.on('release', (_error, client) => {
      if (client instanceof Connection && client.mustClose) void client.end()
    })
    this.retryStaleStatements()
    if (target.attemptsMax > 1) this.tryEveryHost(target)
  }

  private retryStaleStatements(): void {
    const query = inheritedMethod(pg.Pool.prototype, 'query').bind(this)
    Reflect.set(this, 'query', (...args: unknown[]): unknown => {
      const { current } = statementGeneration()
      const result = query(...args)
      if (!(result instanceof Promise)) return result
      return result.catch((error: unknown): unknown => {
        if (!isStaleStatement(error)) throw error
        replaceStatements(current)
        return query(...args)
      })
    })
  }
  /** Repeats failed attempts to connect with the next host, or without TLS where `sslmode` permits it. */
  private tryEveryHost(target: DatabaseTarget): void {
    const connect = (): Promise<pg.PoolClient> => super.connect()
    const connectToAny = async (): Promise<pg.PoolClient> => {
      for (let left = target.attemptsMax; ; left -= 1) {
        const attempt = target.next()
        try {
          return await connect()
        } catch (error) {
          if (!target.noteFailure(attempt, error) || left <= 1) throw error
        }
      }
    }
    type Receiver = (
      error: Error | undefined,
      client: pg.PoolClient | undefined,
      done: (release?: Error) => void,
    ) => void
    Reflect.set(this, 'connect', (receive?: Receiver): Promise<pg.PoolClient> | undefined => {
      const connected = connectToAny()
      if (receive === undefined) return connected
      connected.then(
        (client) => receive(undefined, client, (error) => client.release(error)),
        (error: unknown) => receive(error instanceof Error ? error : new Error(String(error)), undefined, () => {}),
      )
      return undefined
    })
  }
}
