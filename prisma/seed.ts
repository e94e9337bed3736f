import { parseArgs } from 'node:util'
import { Client } from 'pg'
import { withDatabase } from '@/lib/cli/with-database'
import { fillProducts, fillUsers } from './seed/fill'
import { startProgress } from './seed/progress'

const USAGE = `npm run seed -- [--users <number>] [--products <number>]

  --users      how many users there are of the seed, without passwords (100)
  --products   how many products there are of the seed (1000)`

const ROWS_MAX = 100_000_000

const complain = (line: string) => process.stderr.write(`${line}\n`)

function countOf(text: string): number | undefined {
  const count = /^\d{1,9}$/.test(text) ? Number(text) : undefined
  return count !== undefined && count <= ROWS_MAX ? count : undefined
}

/** How many rows the command line asks for; undefined where it is wrong. */
function readArguments(): { users: number; products: number } | undefined {
  try {
    const { values } = parseArgs({
      options: { users: { type: 'string', default: '100' }, products: { type: 'string', default: '1000' } },
    })
    const [users, products] = [countOf(values.users), countOf(values.products)]
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

/** `npm run seed` and `prisma db seed`: believable data, the same at every run, beside a server that runs or without one. */
async function main(): Promise<void> {
  const counts = readArguments()
  if (counts === undefined) {
    complain(USAGE)
    process.exitCode = 1
    return
  }
  await withDatabase(process.cwd(), complain, (databaseUrl) => seed(databaseUrl, counts))
}

main().catch((error: unknown) => {
  complain(error instanceof Error ? error.message : String(error))
  process.exitCode = 1
})
