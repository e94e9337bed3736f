import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startEmbeddedPostgres, type EmbeddedPostgres } from '@/lib/embedded-postgres/embedded-postgres'
import { migrateQueue } from '@/lib/platform/queue/migrate'
import { runPrisma } from '@/lib/cli/run-node-script'
import { TEMPLATE_DATABASE } from './databases'

declare global {
  var hearthTestPostgres: { postgres: EmbeddedPostgres; dataDir: string } | undefined
}

/** A PostgreSQL of our own for the whole run, with a migrated database that each worker's is cloned from. */
export default async function startTestPostgres(): Promise<void> {
  const dataDir = await mkdtemp(join(tmpdir(), 'hearth-test-'))
  const postgres = await startEmbeddedPostgres({
    dataDir: join(dataDir, 'postgres'),
    database: TEMPLATE_DATABASE,
    durable: false,
  })
  globalThis.hearthTestPostgres = { postgres, dataDir }
  await runPrisma(process.cwd(), ['migrate', 'deploy'], postgres.url)
  await migrateQueue(postgres.url)
  // Jest hands what lies on `globalThis` by now on to the tests, who have settings and a log of their own.
  Object.assign(globalThis, { hearthSettings: undefined, hearthLogger: undefined })
  process.env['HEARTH_TEST_DATABASE_URL'] = postgres.url
  process.env['HEARTH_TEST_DATA_DIR'] = dataDir
}
