import { randomUUID } from 'node:crypto'
import { parseArgs } from 'node:util'
import { Client } from 'pg'
import { withDatabase } from '@/lib/cli/with-database'
import { environment } from '@/lib/config'
import { fillProducts, fillUsers } from './seed/fill'
import { startProgress } from './seed/progress'

const USAGE = `npm run seed -- [--users <number>] [--products <number>]

  --users      number of seeded users, without passwords (100)
  --products   number of seeded products (1000)`

const ROWS_MAX = 100_000_000

const printError = (line: string) => process.stderr.write(`${line}\n`)

function parseCount(text: string): number | undefined {
  const count = /^\d{1,9}$/.test(text) ? Number(text) : undefined
  return count !== undefined && count <= ROWS_MAX ? count : undefined
}

/** Returns the numbers of rows from the command line; undefined if it is invalid. */
function readArguments(): { users: number; products: number } | undefined {
  try {
    const { values } = parseArgs({
      options: { users: { type: 'string', default: '100' }, products: { type: 'string', default: '1000' } },
    })
    const [users, products] = [parseCount(values.users), parseCount(values.products)]
    return users === undefined || products === undefined ? undefined : { users, products }
  } catch {
    return undefined
  }
}

async function seed(databaseUrl: string, counts: { users: number; products: number }): Promise<void> {
  const client = new Client({ connectionString: databaseUrl })
  await client.connect()
  try {
    for (const [title, count, fill] of [
      ['users', counts.users, fillUsers],
      ['products', counts.products, fillProducts],
    ] as const) {
      if (count === 0) continue
      const progress = startProgress(title, count, process.stdout)
      try {
        await fill(client, count, progress.advance)
      } finally {
        progress.end()
      }
    }
  } finally {
    await client.end()
  }
}

/** Runs `npm run seed` and `prisma db seed`: inserts deterministic, realistic data, with or without a running server. */
async function main(): Promise<void> {
  const counts = readArguments()
  if (counts === undefined) {
    printError(USAGE)
    process.exitCode = 1
    return
  }
  // The seed signs no tokens, but the configuration with a DATABASE_URL requires a secret.
  environment()['JWT_SECRET'] ||= randomUUID()
  await withDatabase(process.cwd(), printError, (databaseUrl) => seed(databaseUrl, counts))
}

main().catch((error: unknown) => {
  printError(error instanceof Error ? error.message : String(error))
  process.exitCode = 1
})
