import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { databasePool } from '@/lib/platform/db/prisma'

/** Checks that the database responds. */
export async function pingDatabase(): Promise<void> {
  await databasePool().query('SELECT 1')
}

/** Returns the names of the migrations that are not yet applied, sorted. */
export async function pendingMigrations(): Promise<string[]> {
  const entries = await readdir(join(process.cwd(), 'prisma', 'migrations'), { withFileTypes: true })
  const names = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name)
  const { rows } = await databasePool().query<{ present: boolean }>(
    `SELECT to_regclass('public._prisma_migrations') IS NOT NULL AS present`,
  )
  if (rows[0]?.present !== true) return names.sort()
  const applied = await databasePool().query<{ migration_name: string }>(
    'SELECT migration_name FROM _prisma_migrations WHERE finished_at IS NOT NULL AND rolled_back_at IS NULL',
  )
  const done = new Set(applied.rows.map((row) => row.migration_name))
  return names.filter((name) => !done.has(name)).sort()
}

/** Returns the connection counts of this process's pool. */
export function poolStats(): { open: number; idle: number; awaited: number } {
  const { totalCount, idleCount, waitingCount } = databasePool()
  return { open: totalCount, idle: idleCount, awaited: waitingCount }
}

/** Counts the jobs in the queue. */
export async function queueStats(): Promise<{ waiting: number; failed: number }> {
  const { rows } = await databasePool().query<{ waiting: number; failed: number }>(
    `SELECT count(*) FILTER (WHERE attempts < max_attempts)::int AS waiting,
            count(*) FILTER (WHERE attempts >= max_attempts)::int AS failed
     FROM graphile_worker.jobs`,
  )
  return rows[0] ?? { waiting: 0, failed: 0 }
}
