import pg from 'pg'
import { isTimeout } from './errors'

/**
 * A connection that ends when a query on it is given up. Whatever came next would wait behind that query: the ROLLBACK,
 * which would be given up in its turn and never sent, and then, from the pool, the work of others, in a transaction that
 * nobody commits.
 */
export class Connection extends pg.Client {
  constructor(config?: string | pg.ClientConfig) {
    super(config)
    Reflect.set(this, 'query', (...args: unknown[]): unknown => {
      const result: unknown = Reflect.apply(Reflect.get(pg.Client.prototype, 'query'), this, args)
      if (result instanceof Promise) {
        result.catch((error: unknown) => {
          if (isTimeout(error)) void this.end()
        })
      }
      return result
    })
  }
}
