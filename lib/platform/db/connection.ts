import pg from 'pg'
import { logger } from '@/lib/logger'
import { processSingleton } from '@/lib/process-singleton'
import { endsConnection, isStaleStatement, isTimeout } from './errors'

/**
 * Part of the names of prepared statements. A change of the schema can make a statement permanently unusable on every
 * connection that has prepared it; the next generation of names has all of them prepared again.
 */
const statementGeneration = processSingleton('statement-generation', () => ({ current: 0 }))

function isNamed(query: unknown): query is { name: string } {
  return typeof query === 'object' && query !== null && 'name' in query && Boolean(query.name) && !('submit' in query)
}

/**
 * A `pg` client that cannot end the process, and that does not outlive errors after which a connection is of no use.
 * When a query times out it closes itself immediately: otherwise the next statement (ROLLBACK, or another request's query
 * in a transaction that is never committed) would queue behind the hung one.
 */
export class Connection extends pg.Client {
  /** Set by errors that later queries on this connection would repeat; the pool then closes it. */
  mustClose = false

  constructor(config?: string | pg.ClientConfig) {
    super(config)
    // PostgreSQL can end a connection at any moment, also between two queries of a transaction. The next query fails by
    // itself; without a listener the event would end the process.
    this.on('error', () => undefined)
    const query: unknown = Reflect.get(pg.Client.prototype, 'query')
    if (typeof query !== 'function') throw new Error('pg.Client has no query method.')
    Reflect.set(this, 'query', (first: unknown, ...rest: unknown[]): unknown => {
      const { current } = statementGeneration()
      const named = isNamed(first) && current > 0 ? { ...first, name: `${first.name}.${current}` } : first
      const result: unknown = Reflect.apply(query, this, [named, ...rest])
      if (result instanceof Promise) result.catch((error: unknown) => this.handleFailure(error, current))
      return result
    })
  }

  private handleFailure(error: unknown, generation: number): void {
    if (isStaleStatement(error)) replaceStatements(generation)
    if (endsConnection(error)) this.mustClose = true
    if (isTimeout(error)) void this.end()
  }
}

function replaceStatements(generation: number): void {
  const names = statementGeneration()
  if (names.current === generation) names.current += 1
}

/**
 * A pool of such connections. A query outside of a transaction is repeated once if its prepared statement was stale:
 * PostgreSQL had not begun to execute it.
 */
export class ConnectionPool extends pg.Pool {
  constructor(config: pg.PoolConfig) {
    super({ keepAlive: true, ...config, Client: Connection })
    // The pool replaces a broken idle connection; without a listener, the event would end the process.
    this.on('error', (error) => logger().warn({ err: error }, 'idle database connection lost'))
    this.on('release', (_error, client) => {
      if (client instanceof Connection && client.mustClose) void client.end()
    })
    const query: unknown = Reflect.get(pg.Pool.prototype, 'query')
    if (typeof query !== 'function') throw new Error('pg.Pool has no query method.')
    Reflect.set(this, 'query', (...args: unknown[]): unknown => {
      const { current } = statementGeneration()
      const result: unknown = Reflect.apply(query, this, args)
      if (!(result instanceof Promise)) return result
      return result.catch((error: unknown): unknown => {
        if (!isStaleStatement(error)) throw error
        replaceStatements(current)
        return Reflect.apply(query, this, args)
      })
    })
  }
}
