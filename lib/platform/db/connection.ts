import pg from 'pg'
import { isTimeout } from './errors'

/**
 * A `pg` client that closes itself when a query times out. Otherwise the next statement (ROLLBACK, or another request's
 * query in a transaction that is never committed) would queue behind the hung one.
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
