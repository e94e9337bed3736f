import pg from 'pg'
import { markCharColumns } from './char-columns'
import type { Attempt } from './connection-errors'

/** The schema a connection URL names; `public` unless it says otherwise. */
export const schemaOf = (url: string): string => new URL(url).searchParams.get('schema') ?? 'public'

/** The same server and settings with another database. */
export const withDatabase = (url: string, database: string): string => {
  const changed = new URL(url)
  changed.pathname = `/${encodeURIComponent(database)}`
  return changed.href
}

/** The database a connection URL names; without one PostgreSQL takes the user's name. */
export const databaseOf = (url: string): string => {
  const { pathname, username } = new URL(url)
  return decodeURIComponent(pathname.slice(1)) || decodeURIComponent(username)
}

/** Where a connection URL leads, without its password; what is no URL leads nowhere. */
export const attemptOf = (url: string): Attempt => {
  if (!URL.canParse(url)) return { address: '(not a URL)', database: '', user: '' }
  const { hostname, port, username } = new URL(url)
  return { address: `${hostname}:${port || '5432'}`, database: databaseOf(url), user: decodeURIComponent(username) }
}

/** Quotes a name for SQL. */
export const quoteName = (name: string): string => `"${name.replaceAll('"', '""')}"`

/**
 * Opens a pool that behaves like the one connection the native engine holds.
 *
 * One connection that is never dropped for idling: the engine's advisory lock, `SET` and temporary tables of a
 * migration belong to a session.
 */
export const openPool = (url: string): pg.Pool => {
  const schema = schemaOf(url)
  return new pg.Pool({
    connectionString: url,
    connectionTimeoutMillis: 5000,
    idleTimeoutMillis: 0,
    max: 1,
    onConnect: async (client) => {
      if (client instanceof pg.Client) client.connection.prependListener('rowDescription', markCharColumns)
      if (schema !== 'public') await client.query(`SET search_path TO ${quoteName(schema)}`)
    },
  })
}

/** Runs statements over a connection of their own. */
export const withClient = async <T>(url: string, run: (client: pg.Client) => Promise<T>): Promise<T> => {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5000 })
  // An idle connection that breaks emits an event, which would end the process without a listener.
  client.on('error', () => undefined)
  try {
    await client.connect()
    return await run(client)
  } finally {
    await client.end().catch(() => undefined)
  }
}
