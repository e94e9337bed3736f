import { Client } from 'pg'
import { waitFor } from './wait'

export const TEMPLATE_DATABASE = 'template'

/** PostgreSQL's code for "permission denied to terminate process": a worker of the superuser is in the database. */
const INSUFFICIENT_PRIVILEGE = '42501'

/** Returns the URL of a database on the server of this test run. */
export function databaseUrl(name: string): string {
  const url = new URL(process.env['HEARTH_TEST_DATABASE_URL'] ?? '')
  url.pathname = `/${name}`
  return url.href
}

/** Creates a database from the migrated template, or from another one, and replaces any of that name. Returns its URL. */
export async function createDatabase(name: string, template: string = TEMPLATE_DATABASE): Promise<string> {
  await dropDatabase(name)
  await administer(`CREATE DATABASE "${name}" TEMPLATE "${template}"`)
  return databaseUrl(name)
}

/** Drops a database and closes the connections to it. */
export async function dropDatabase(name: string): Promise<void> {
  await waitFor(`DROP DATABASE "${name}"`, () =>
    administer(`DROP DATABASE IF EXISTS "${name}" WITH (FORCE)`).then(
      () => true,
      (error: unknown) => {
        if (error instanceof Error && 'code' in error && error.code === INSUFFICIENT_PRIVILEGE) return false
        throw error
      },
    ),
  )
}

/** Opens a separate connection, which may be terminated. */
export async function openClient(url: string): Promise<Client> {
  const client = new Client({ connectionString: url })
  client.on('error', () => undefined)
  await client.connect()
  return client
}

async function administer(statement: string): Promise<void> {
  const client = new Client({ connectionString: databaseUrl('postgres') })
  await client.connect()
  try {
    await client.query(statement)
  } finally {
    await client.end()
  }
}
