import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type * as Password from '@/lib/auth/password'
import { type Settings, useSettings } from '@/lib/config'
import type * as PrismaClient from '@/lib/prisma'
import { ensureClient } from './build'
import { startEmbeddedPostgres } from './embedded-postgres'
import { isClaimed } from './folder-lock'
import type * as Migrate from './migrate'
import { readSettings } from './read-settings'

/** The name of the embedded database. */
export const EMBEDDED_DATABASE = 'hearth'

/** The folder of the embedded database. */
export function embeddedFolder(settings: Settings): string {
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
export async function borrowDatabase(
  settings: Settings,
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
export async function withBorrowedDatabase(
  projectDir: string,
  say: (line: string) => void,
  work: (databaseUrl: string) => Promise<void>,
): Promise<void> {
  const given = readSettings(projectDir, { development: false, say })
  const database = await borrowDatabase(given, say)
  try {
    useSettings({ ...given, databaseUrl: database.url, logLevel: 'warn' })
    await ensureClient(projectDir, say)
    // What uses the Prisma client can only be loaded once it was generated.
    const { migrate }: typeof Migrate = require('./migrate')
    const { closePasswordPool }: typeof Password = require('@/lib/auth/password')
    const { disconnect }: typeof PrismaClient = require('@/lib/prisma')
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
