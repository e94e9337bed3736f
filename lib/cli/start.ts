import { setConfig, type Config } from '@/lib/config'
import { EMBEDDED_DATABASE, embeddedFolder } from './with-database'
import { ensureBuild, ensureClient } from './build-if-stale'
import { type EmbeddedPostgres, startEmbeddedPostgres } from '@/lib/embedded-postgres/embedded-postgres'
import { loadConfig } from './load-config'
import { generatedSecret } from './secrets'
import type * as Serve from './serve'
import { stopSignal } from './shutdown-signal'

const projectDir = process.cwd()
const development = process.argv.includes('--dev')

const say = (line: string) => process.stdout.write(`${line}\n`)

/** Without a DATABASE_URL: a database of our own, and the secrets that the environment leaves open. */
async function embed(settings: Config): Promise<{ settings: Config; postgres: EmbeddedPostgres }> {
  const jwtSecrets =
    settings.jwtSecrets.length > 0 ? settings.jwtSecrets : [await generatedSecret(settings.dataDir, 'jwt')]
  say('Starting the embedded PostgreSQL …')
  const postgres = await startEmbeddedPostgres({
    dataDir: embeddedFolder(settings),
    database: EMBEDDED_DATABASE,
    say,
  })
  return { settings: { ...settings, databaseUrl: postgres.url, jwtSecrets }, postgres }
}

async function main(): Promise<void> {
  const stopped = stopSignal()
  const given = loadConfig(projectDir, { development, say })
  const embedding = given.databaseUrl === undefined ? embed(given) : Promise.resolve(undefined)
  // Until it serves, there is nothing to finish: whoever is told to stop only takes the database down again.
  let serving = false
  void stopped.then(async () => {
    if (serving) return
    await (await embedding.catch(() => undefined))?.postgres.stop()
    process.exit(0)
  })
  const embedded = await embedding
  try {
    setConfig(embedded?.settings ?? given)
    await ensureClient(projectDir, say)
    if (!development) await ensureBuild(projectDir, say)
    // What uses the Prisma client can only be loaded once it was generated.
    const { serve }: typeof Serve = require('./serve')
    serving = true
    await serve({ projectDir, development, embedded: embedded?.postgres, say, stopped })
  } catch (error) {
    await embedded?.postgres.stop()
    throw error
  }
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exit(1)
})
