import { runMigrations } from 'graphile-worker'
import pg from 'pg'
import { workerLogger } from './logger'

/** Any number will do that nobody else locks. */
const INSTALL_LOCK = 4_863_277

/**
 * Brings the queue's own tables and functions, which lie in the schema `graphile_worker` where Prisma does not look, to
 * the version of the library. Servers that start together do it one after the other.
 */
export async function migrateQueue(databaseUrl: string): Promise<void> {
  const pool = new pg.Pool({ connectionString: databaseUrl, max: 2, connectionTimeoutMillis: 10_000 })
  // A connection that breaks makes the query on it fail; without a listener the event would end the process.
  pool.on('error', () => undefined)
  pool.on('connect', (client) => client.on('error', () => undefined))
  try {
    const client = await pool.connect()
    try {
      await client.query('SELECT pg_advisory_lock($1)', [INSTALL_LOCK])
      await runMigrations({ pgPool: pool, logger: workerLogger() })
    } finally {
      // Its end releases the lock.
      client.release(true)
    }
  } finally {
    await pool.end()
  }
}
