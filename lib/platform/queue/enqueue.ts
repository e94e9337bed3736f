import type { DbClient } from '@/lib/platform/db/prisma'
import type { JobName, JobPayloads } from './schema'

/** Sixteen attempts, the pauses between them growing from 3 s to 6 h: some forty hours in all. */
const ATTEMPTS_MAX = 16

type EnqueueOptions = {
  /** Not before this time. */
  runAt?: Date
  maxAttempts?: number
  /** A waiting job with the same key is replaced by this one. */
  key?: string
}

/**
 * Writes a job into the queue as a part of `transaction`, so that it is there exactly if what caused it is. A worker runs
 * it within moments of the commit, and again after growing pauses until it succeeds: whatever it does must bear
 * being done twice. Its id.
 */
export async function enqueue<N extends JobName>(
  transaction: DbClient,
  name: N,
  payload: JobPayloads[N],
  options: EnqueueOptions = {},
): Promise<string> {
  const rows = await transaction.$queryRaw<{ id: string }[]>`
    SELECT id::text FROM graphile_worker.add_job(
      ${name}::text,
      payload => ${JSON.stringify(payload)}::json,
      run_at => ${options.runAt ?? null}::timestamptz,
      max_attempts => ${options.maxAttempts ?? ATTEMPTS_MAX}::int,
      job_key => ${options.key ?? null}::text
    )`
  return rows[0]?.id ?? ''
}
