import { useSettings, type Settings } from '@/lib/config'
import { ensureBuild, ensureClient } from './build'
import { type EmbeddedPostgres, startEmbeddedPostgres } from './embedded-postgres'
import { readSettings } from './read-settings'
import { generatedSecret } from './secrets'
import { join } from 'node:path'

const projectDir = process.cwd()
const development = process.argv.includes('--dev')

const say = (line: string) => process.stdout.write(`${line}\n`)

/** Without a DATABASE_URL: a database of our own, and the secrets that the environment leaves open. */
async function embed(settings: Settings): Promise<{ settings: Settings; postgres: EmbeddedPostgres }> {
  const jwtSecrets =
    settings.jwtSecrets.length > 0 ? settings.jwtSecrets : [await generatedSecret(settings.dataDir, 'jwt')]
  say('Starting the embedded PostgreSQL …')
  const dataDir = join(settings.dataDir, 'postgres')
  const postgres = await startEmbeddedPostgres({ dataDir, database: 'hearth', say })
  return { settings: { ...settings, databaseUrl: postgres.url, jwtSecrets }, postgres }
}

async function main(): Promise<void> {
  const given = readSettings(projectDir, { development, say })
  const embedded = given.databaseUrl === undefined ? await embed(given) : undefined
  try {
    useSettings(embedded?.settings ?? given)
    await ensureClient(projectDir, say)
    if (!development) await ensureBuild(projectDir, say)
    // What uses the Prisma client can only be loaded once it was generated.
    const { serve } = await import('./serve')
    await serve({ projectDir, development, embedded: embedded?.postgres, say })
  } catch (error) {
    await embedded?.postgres.stop()
    throw error
  }
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exit(1)
})
