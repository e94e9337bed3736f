import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type * as Password from '@/lib/platform/crypto/password'
import { type Config, setConfig } from '@/lib/config'
import type * as PrismaClient from '@/lib/platform/db/prisma'
import { ensureClient } from './build-if-stale'
import { startEmbeddedPostgres } from '@/lib/embedded-postgres/embedded-postgres'
import { isClaimed } from '@/lib/embedded-postgres/lockfile'
import type * as Migrate from './migrate'
import { loadConfig } from './load-config'

/** The name of the embedded database. */
export const EMBEDDED_DATABASE = 'hearth'

/** The folder of the embedded database. */
export function embeddedFolder(settings: Config): string {
  return join(settings.dataDir, 'postgres')
}

/** The URL of the embedded database of a server that runs: its password and port stand in its folder. */
async function urlOfRunning(folder: string): Promise<string> {
  const password = (await readFile(join(folder, 'password'), 'utf8')).trim()
  const port = (await readFile(join(folder, 'cluster', 'postmaster.pid'), 'utf8')).split('\n')[3]
  return `postgresql://hearth:${password}@127.0.0.1:${port}/${EMBEDDED_DATABASE}`
}

/**
 * The database of a command that is not the server: that of `DATABASE_URL`; else the embedded one, beside a server that
 * runs, or started for the command alone. `release` gives it back.
 */
export async function acquireDatabase(
  settings: Config,
  say: (line: string) => void,
): Promise<{ url: string; release: () => Promise<void> }> {
  if (settings.databaseUrl !== undefined) return { url: settings.databaseUrl, release: async () => {} }
  const folder = embeddedFolder(settings)
  const exists = await stat(folder).then(
    () => true,
    () => false,
  )
  if (exists && (await isClaimed(folder))) return { url: await urlOfRunning(folder), release: async () => {} }
  const postgres = await startEmbeddedPostgres({ dataDir: folder, database: EMBEDDED_DATABASE, say })
  return { url: postgres.url, release: () => postgres.stop() }
}

/**
 * Frames the work of a command that is not the server: settings, a database, the Prisma client, migrations; and gives
 * back what it took.
 */
export async function withDatabase(
  projectDir: string,
  say: (line: string) => void,
  work: (databaseUrl: string) => Promise<void>,
): Promise<void> {
  const given = loadConfig(projectDir, { development: false, say })
  const database = await acquireDatabase(given, say)
  try {
    setConfig({ ...given, databaseUrl: database.url, logLevel: 'warn' })
    await ensureClient(projectDir, say)
    // What uses the Prisma client can only be loaded once it was generated.
    const { migrate }: typeof Migrate = require('./migrate')
    const { closePasswordPool }: typeof Password = require('@/lib/platform/crypto/password')
    const { disconnect }: typeof PrismaClient = require('@/lib/platform/db/prisma')
    try {
      await migrate(projectDir, say)
      await work(database.url)
    } finally {
      await closePasswordPool()
      await disconnect()
    }
  } finally {
    await database.release()
  }
}
