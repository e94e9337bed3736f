import { databaseOf, quoteName, withClient, withDatabase } from './connection'
import { errorCode } from './errors'

/** `duplicate_database`, and the unique violation two simultaneous `CREATE DATABASE` of one name can end in. */
const ALREADY_THERE = new Set(['42P04', '23505'])

/** Connects and leaves again; rejects with the reason when that is not possible. */
export const probeDatabase = async (url: string): Promise<void> => {
  await withClient(url, async (client) => {
    await client.query('SELECT 1')
  })
}

/** Creates the database a connection URL names, by way of the server's maintenance database. */
export const createDatabase = async (url: string): Promise<void> => {
  await withClient(withDatabase(url, 'postgres'), async (client) => {
    try {
      await client.query(`CREATE DATABASE ${quoteName(databaseOf(url))}`)
    } catch (error) {
      // Another deployment starting at the same moment wants the same database; that it exists is all either needs.
      if (!ALREADY_THERE.has(errorCode(error) ?? '')) throw error
    }
  })
}

/** Drops the database a connection URL names, closing what is still connected to it. */
export const dropDatabase = async (url: string): Promise<void> => {
  await withClient(withDatabase(url, 'postgres'), async (client) => {
    await client.query(`DROP DATABASE IF EXISTS ${quoteName(databaseOf(url))} WITH (FORCE)`)
  })
}
