import { Client } from 'pg'

export const TEMPLATE_DATABASE = 'template'

/** The URL of a database on the server of this test run. */
export function databaseUrl(name: string): string {
  const url = new URL(process.env['HEARTH_TEST_DATABASE_URL'] ?? '')
  url.pathname = `/${name}`
  return url.href
}

/** Runs a statement on the test server outside any of its databases for tests. */
async function administer(statement: string): Promise<void> {
  const client = new Client({ connectionString: databaseUrl('postgres') })
  await client.connect()
  try {
    await client.query(statement)
  } finally {
    await client.end()
  }
}

/** Makes a database anew, as a copy of the migrated template, or an empty one; its URL. */
export async function createDatabase(name: string, template: string = TEMPLATE_DATABASE): Promise<string> {
  await administer(`DROP DATABASE IF EXISTS "${name}" WITH (FORCE)`)
  await administer(`CREATE DATABASE "${name}" TEMPLATE "${template}"`)
  return databaseUrl(name)
}

/** Removes a database, whoever is still connected to it. */
export async function dropDatabase(name: string): Promise<void> {
  await administer(`DROP DATABASE IF EXISTS "${name}" WITH (FORCE)`)
}
