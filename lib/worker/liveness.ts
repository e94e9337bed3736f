import pg from 'pg'
import { setTimeout as sleep } from 'node:timers/promises'
import { logger } from '@/lib/logger'

/** How often each worker looks for jobs of dead ones; the first time only after this, so that all who restart are back. */
const LOOK_INTERVAL_MS = 5_000
const QUERY_TIMEOUT_MS = 10_000

/** The number that stands for a worker among PostgreSQL's advisory locks, beside a mark that keeps others' locks apart. */
const advisoryLockKey = (idExpression: string) => `hashtextextended('hearth.worker/' || ${idExpression}, 0)`

/**
 * Jobs taken by workers that hold no lock: their connection is gone, and they with it. A lock is tried for and, where it
 * is got, nobody lives who holds it; it falls with the end of the statement.
 */
const RELEASE_JOBS_OF_DEAD_WORKERS = `
  WITH owners AS MATERIALIZED (
    SELECT DISTINCT locked_by AS id FROM graphile_worker._private_jobs
    WHERE locked_by IS NOT NULL AND locked_by <> $1 AND locked_at < now() - interval '5 seconds'
  ), dead AS MATERIALIZED (
    SELECT id FROM owners WHERE pg_try_advisory_xact_lock(${advisoryLockKey('id')})
  )
  UPDATE graphile_worker._private_jobs AS job SET locked_by = NULL, locked_at = NULL
  FROM dead WHERE job.locked_by = dead.id
  RETURNING job.id::text, job.attempts >= job.max_attempts AS "isLast"`

/**
 * Shows the other workers that this one lives, for as long as its process does, and takes back what dead ones left
 * half done: a worker that was killed would otherwise keep its jobs for four hours. The sign of life is a lock that
 * PostgreSQL drops together with the connection.
 *
 * @returns `over`, which resolves once that connection is gone, so that the worker had better begin anew; and `stop`, the
 * end of it, which also gives back what this worker has not finished
 */
export function startHeartbeat(
  databaseUrl: string,
  workerId: string,
): { over: Promise<void>; stop: () => Promise<void> } {
  const stopping = new AbortController()
  const pause = () => sleep(LOOK_INTERVAL_MS, undefined, { signal: stopping.signal }).catch(() => undefined)

  const watch = async (): Promise<void> => {
    const client = new pg.Client({
      connectionString: databaseUrl,
      connectionTimeoutMillis: QUERY_TIMEOUT_MS,
      query_timeout: QUERY_TIMEOUT_MS,
      keepAlive: true,
    })
    // The next query fails too; without a listener the event would end the process.
    client.on('error', () => undefined)
    try {
      await client.connect()
      await client.query(`SELECT pg_advisory_lock(${advisoryLockKey('$1')})`, [workerId])
      for (await pause(); !stopping.signal.aborted; await pause()) {
        const { rows } = await client.query<{ id: string; isLast: boolean }>(RELEASE_JOBS_OF_DEAD_WORKERS, [workerId])
        for (const { id: jobId, isLast } of rows) {
          if (isLast) logger().error({ jobId }, 'a job failed for good: its worker died in the last attempt')
          else logger().warn({ jobId }, 'a job of a dead worker is released')
        }
      }
      await client.query('SELECT graphile_worker.force_unlock_workers(ARRAY[$1::text])', [workerId])
    } finally {
      await client.end().catch(() => undefined)
    }
  }

  const over = watch().catch((error: unknown) =>
    logger().warn({ err: error }, 'the watch over the job queue broke off'),
  )
  return {
    over,
    stop: async () => {
      stopping.abort()
      await over
    },
  }
}
