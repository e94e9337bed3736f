import { setTimeout as sleep } from 'node:timers/promises'
import { logger } from '@/lib/logger'
import { connectTo } from '@/lib/platform/db/connection'

/** How often each worker looks for jobs of crashed workers, and how long it waits at first, so that all can restart. */
const CHECK_INTERVAL_MS = 5_000
const QUERY_TIMEOUT_MS = 10_000

/** Returns the SQL expression for a worker's advisory-lock key, namespaced so that it cannot collide with other locks. */
export const advisoryLockKey = (idExpression: string) => `hashtextextended('hearth.worker/' || ${idExpression}, 0)`

/** Releases jobs of workers whose lock can be acquired: they have lost their connection. The locks end with the statement. */
export const RELEASE_JOBS_OF_CRASHED_WORKERS = `
  WITH owners AS MATERIALIZED (
    SELECT DISTINCT locked_by AS id FROM graphile_worker._private_jobs
    WHERE locked_by IS NOT NULL AND locked_by <> $1 AND locked_at < now() - interval '5 seconds'
  ), crashed AS MATERIALIZED (
    SELECT id FROM owners WHERE pg_try_advisory_xact_lock(${advisoryLockKey('id')})
  )
  UPDATE graphile_worker._private_jobs AS job SET locked_by = NULL, locked_at = NULL
  FROM crashed WHERE job.locked_by = crashed.id
  RETURNING job.id::text, job.attempts >= job.max_attempts AS "isLast"`

/**
 * Holds an advisory lock as a heartbeat, which PostgreSQL drops with the connection, and releases jobs of workers whose
 * lock is gone; graphile-worker would otherwise hold them for four hours.
 *
 * @returns `over`, which resolves when the connection is lost and the worker should restart; and `stop`, which also
 * releases the jobs that this worker has not finished
 */
export function startHeartbeat(
  databaseUrl: string,
  workerId: string,
): { over: Promise<void>; stop: () => Promise<void> } {
  const stopping = new AbortController()
  const pause = () => sleep(CHECK_INTERVAL_MS, undefined, { signal: stopping.signal }).catch(() => undefined)

  const watch = async (): Promise<void> => {
    const client = await connectTo({
      url: databaseUrl,
      connectionTimeoutMillis: QUERY_TIMEOUT_MS,
      query_timeout: QUERY_TIMEOUT_MS,
    })
    try {
      await client.query(`SELECT pg_advisory_lock(${advisoryLockKey('$1')})`, [workerId])
      for (await pause(); !stopping.signal.aborted; await pause()) {
        const { rows } = await client.query<{ id: string; isLast: boolean }>(RELEASE_JOBS_OF_CRASHED_WORKERS, [
          workerId,
        ])
        for (const { id: jobId, isLast } of rows) {
          if (isLast) logger().error({ jobId }, 'job failed permanently: its worker crashed in the last attempt')
          else logger().warn({ jobId }, 'released job of crashed worker')
        }
      }
      await client.query('SELECT graphile_worker.force_unlock_workers(ARRAY[$1::text])', [workerId])
    } finally {
      await client.end().catch(() => undefined)
    }
  }

  const over = watch().catch((error: unknown) => logger().warn({ err: error }, 'worker heartbeat lost'))
  return {
    over,
    stop: async () => {
      stopping.abort()
      await over
    },
  }
}
