import { runMigrations } from 'graphile-worker'
import { ConnectionPool } from '@/lib/platform/db/connection'
import { workerLogger } from './logger'

/** Arbitrary but fixed advisory-lock key. */
const MIGRATION_LOCK = 4_863_277

/**
 * Runs graphile-worker's migrations of the schema `graphile_worker`, which Prisma does not manage. Servers that start
 * together wait for one another.
 */
export async function migrateQueue(databaseUrl: string): Promise<void> {
  const pool = new ConnectionPool({ url: databaseUrl, max: 2, connectionTimeoutMillis: 10_000 })
  try {
    const client = await pool.connect()
    try {
      await client.query('SELECT pg_advisory_lock($1)', [MIGRATION_LOCK])
      await runMigrations({ pgPool: pool, logger: workerLogger() })
    } finally {
      // Closing the connection releases the lock.
      client.release(true)
    }
  } finally {
    await pool.end()
  }
}
