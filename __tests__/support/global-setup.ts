import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ensureBuild, ensureClient } from '@/lib/cli/build'
import type { EmbeddedPostgres } from '@/lib/embedded-postgres/embedded-postgres'
import { withFileLock } from './file-lock'
import { startTestCluster } from './test-cluster'

declare global {
  var hearthTestPostgres: { postgres: EmbeddedPostgres; dataDir: string } | undefined
}

const print = (line: string) => process.stderr.write(`${line}\n`)

/**
 * Prepares a run: the generated Prisma client, the production build where a test needs it, and a PostgreSQL server with
 * a migrated database that each worker clones.
 */
export default async function globalSetup(): Promise<void> {
  const projectDir = process.cwd()
  await withFileLock(join('node_modules', '.cache', 'hearth', 'build.lock'), async () => {
    await ensureClient(projectDir, print)
    if (process.env['HEARTH_TEST_BUILD'] === '1') await ensureBuild(projectDir, print)
  })
  const dataDir = await mkdtemp(join(tmpdir(), 'hearth-test-'))
  const postgres = await startTestCluster(dataDir)
  globalThis.hearthTestPostgres = { postgres, dataDir }
  process.env['HEARTH_TEST_DATABASE_URL'] = postgres.url
  process.env['HEARTH_TEST_DATA_DIR'] = dataDir
}
