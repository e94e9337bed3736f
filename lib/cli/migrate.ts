import { config } from '@/lib/config'
import { parseDatabaseUrl, urlOfHost } from '@/lib/database-url'
import { connectTo } from '@/lib/platform/db/connection'
import { migrateQueue } from '@/lib/platform/queue/migrate'
import { pendingMigrations } from '@/lib/domains/system/repository'
import { runPrisma } from './run-node-script'

const CONNECT_TIMEOUT_MS = 10_000

/** Returns a URL of the server that accepts the connection, since Prisma's command line accepts one host only. */
async function singleHostUrl(url: string): Promise<string> {
  const { hosts } = parseDatabaseUrl(url)
  if (hosts.length === 1) return url
  const client = await connectTo({ url, connectionTimeoutMillis: CONNECT_TIMEOUT_MS })
  await client.end()
  return urlOfHost(url, client.attempt.host)
}

/**
 * Applies what migrations are missing, then those of the job queue. Each holds an advisory lock meanwhile, so that
 * servers and workers may start together.
 */
export async function migrate(projectDir: string, print: (line: string) => void): Promise<void> {
  const { databaseDirectUrl } = config()
  // Where this cannot be told, not even the database may be there yet: Prisma makes it, or says what is wrong.
  const pending = await pendingMigrations().catch(() => undefined)
  if (pending?.length !== 0) {
    print('Applying the migrations …')
    const url = databaseDirectUrl === undefined ? undefined : await singleHostUrl(databaseDirectUrl)
    await runPrisma(projectDir, ['migrate', 'deploy'], url)
  }
  if (databaseDirectUrl !== undefined) await migrateQueue(databaseDirectUrl)
}
