import { setConfig } from '@/lib/config'
import { startEmbeddedPostgres } from '@/lib/embedded-postgres/embedded-postgres'
import { closePasswordPool } from '@/lib/platform/crypto/password'
import { disconnect } from '@/lib/platform/db/prisma'
import { embeddedOptions } from './embedded-options'
import { loadConfig } from './load-config'
import { migrate } from './migrate'

/**
 * Sets up configuration, database and migrations for a command, and tears them down afterwards. Without `DATABASE_URL`
 * the command uses the embedded database: that of the running server, or its own for as long as it runs.
 */
export async function withDatabase(
  projectDir: string,
  print: (line: string) => void,
  work: (databaseUrl: string) => Promise<void>,
): Promise<void> {
  const given = loadConfig(projectDir, { development: false, print })
  const embedded =
    given.databaseUrl === undefined
      ? await startEmbeddedPostgres({ ...embeddedOptions(given), print, shared: true })
      : undefined
  const databaseUrl = given.databaseUrl ?? embedded?.url ?? ''
  const databaseDirectUrl = given.databaseDirectUrl ?? databaseUrl
  try {
    setConfig({ ...given, databaseUrl, databaseDirectUrl, logLevel: 'warn' })
    await migrate(projectDir, print)
    await work(databaseDirectUrl)
  } finally {
    await closePasswordPool()
    await disconnect()
    await embedded?.stop()
  }
}
