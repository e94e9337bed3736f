import { randomUUID } from 'node:crypto'
import { parseArgs } from 'node:util'
import { Client } from 'pg'
import { withDatabase } from '@/lib/cli/with-database'
import { environment } from '@/lib/config'
import { createExamples } from './seed/examples'
import { fillProducts, fillUsers } from './seed/fill'
import { startProgress } from './seed/progress'

const USAGE = `npm run seed -- [--users <number>] [--products <number>] [--bulk-only]

  --users       number of seeded users, without passwords (100)
  --products    number of seeded products (1000)
  --bulk-only   leave out the example users with a password, a family, posts and files`

const ROWS_MAX = 100_000_000

const printError = (line: string) => process.stderr.write(`${line}\n`)

function parseCount(text: string): number | undefined {
  const count = /^\d{1,9}$/.test(text) ? Number(text) : undefined
  return count !== undefined && count <= ROWS_MAX ? count : undefined
}

type Options = { users: number; products: number; bulkOnly: boolean }

/** Returns the options of the command line; undefined if it is invalid. */
function readArguments(): Options | undefined {
  try {
    const { values } = parseArgs({
      options: {
        users: { type: 'string', default: '100' },
        products: { type: 'string', default: '1000' },
        'bulk-only': { type: 'boolean', default: false },
      },
    })
    const [users, products] = [parseCount(values.users), parseCount(values.products)]
    return users === undefined || products === undefined
      ? undefined
      : { users, products, bulkOnly: values['bulk-only'] }
  } catch {
    return undefined
  }
}

async function seed(databaseUrl: string, options: Options): Promise<void> {
  const client = new Client({ connectionString: databaseUrl })
  await client.connect()
  try {
    for (const [title, count, fill] of [
      ['users', options.users, fillUsers],
      ['products', options.products, fillProducts],
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
  if (options.bulkOnly) return
  const { emails, password } = await createExamples()
  if (emails.length > 0) process.stdout.write(`Sign in as ${emails.join(', ')} with the password ${password}\n`)
}

/** Runs `npm run seed` and `prisma db seed`: inserts realistic data, the same in every database, and a few examples, with or without a running server. */
async function main(): Promise<void> {
  const options = readArguments()
  if (options === undefined) {
    printError(USAGE)
    process.exitCode = 1
    return
  }
  // The seed signs no tokens, but the configuration with a DATABASE_URL requires a secret.
  environment()['JWT_SECRET'] ||= randomUUID()
  await withDatabase(process.cwd(), printError, (databaseUrl) => seed(databaseUrl, options))
}

main().catch((error: unknown) => {
  printError(error instanceof Error ? error.message : String(error))
  process.exitCode = 1
})
