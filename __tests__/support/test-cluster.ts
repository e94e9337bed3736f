import { createHash, randomUUID } from 'node:crypto'
import { appendFile, cp, mkdir, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { runPrisma } from '@/lib/cli/run-node-script'
import { type EmbeddedPostgres, startEmbeddedPostgres } from '@/lib/embedded-postgres/embedded-postgres'
import { migrateQueue } from '@/lib/platform/queue/migrate'
import { TEMPLATE_DATABASE } from './databases'

const CACHE = join('node_modules', '.cache', 'hearth')
const CACHE_MAX_AGE_MS = 7 * 86_400_000

/** A cached cluster is reused while all of these, and the user who runs the tests, are the same. */
const SOURCES = [
  'package-lock.json',
  'prisma/migrations',
  'lib/embedded-postgres',
  'lib/platform/queue',
  '__tests__/support/test-cluster.ts',
]

/**
 * Starts a PostgreSQL for one test run in a folder, with the migrated template database. The migrated cluster is cached
 * between runs; each run works on a copy, so that any number of runs can share the cache.
 */
export async function startTestCluster(folder: string): Promise<EmbeddedPostgres> {
  const dataDir = join(folder, 'postgres')
  const cached = join(CACHE, `cluster-${await hashSources()}`)
  if (!(await copyCluster(cached, dataDir))) {
    await createMigratedCluster(dataDir)
    await storeInCache(dataDir, cached)
  }
  return start(dataDir)
}

async function start(dataDir: string): Promise<EmbeddedPostgres> {
  return startEmbeddedPostgres({ dataDir, database: TEMPLATE_DATABASE, durable: false })
}

async function createMigratedCluster(dataDir: string): Promise<void> {
  const postgres = await start(dataDir)
  try {
    await runPrisma(process.cwd(), ['migrate', 'deploy'], postgres.url)
    await migrateQueue(postgres.url)
  } finally {
    await postgres.stop()
  }
  // An autovacuum worker can make DROP DATABASE fail, and changes query plans during tests of them.
  await appendFile(join(dataDir, 'cluster', 'postgresql.conf'), 'autovacuum = off\n')
}

/** Returns false when there is no such cluster in the cache. */
async function copyCluster(cached: string, dataDir: string): Promise<boolean> {
  try {
    await stat(cached)
    await cp(cached, dataDir, { recursive: true })
    return true
  } catch {
    await rm(dataDir, { recursive: true, force: true })
    return false
  }
}

/** Renames a complete copy into place. A concurrent run may have been faster, and a read-only cache is no failure. */
async function storeInCache(dataDir: string, cached: string): Promise<void> {
  const temporary = join(CACHE, `new-${randomUUID()}`)
  try {
    await mkdir(CACHE, { recursive: true })
    await deleteOldClusters()
    await cp(dataDir, temporary, { recursive: true })
    await rename(temporary, cached)
  } catch {
    await rm(temporary, { recursive: true, force: true })
  }
}

async function deleteOldClusters(): Promise<void> {
  for (const name of await readdir(CACHE)) {
    const path = join(CACHE, name)
    const { mtimeMs } = await stat(path)
    if (Date.now() - mtimeMs > CACHE_MAX_AGE_MS) await rm(path, { recursive: true, force: true })
  }
}

async function hashSources(): Promise<string> {
  const hash = createHash('sha256').update(String(process.getuid?.()))
  for (const source of SOURCES) {
    const isFolder = (await stat(source)).isDirectory()
    const names = isFolder ? (await readdir(source, { recursive: true })).sort() : ['']
    for (const name of names) {
      const path = join(source, name)
      if ((await stat(path)).isFile()) hash.update(`${path}\0`).update(await readFile(path))
    }
  }
  return hash.digest('hex').slice(0, 16)
}
