import { prisma } from '@/lib/platform/db/prisma'
import type { JobName, JobPayloads } from './schema'

/** The pauses between sixteen attempts grow from 3 s to 6 h, about forty hours in all. */
const ATTEMPTS_MAX = 16

type EnqueueOptions = {
  /** Not before this time. */
  runAt?: Date
  maxAttempts?: number
  /** Replaces a waiting job with the same key. */
  key?: string
}

/**
 * Enqueues a job as part of the surrounding transaction, so the job exists exactly if the change that caused it does
 * (transactional outbox). A worker runs it shortly after the commit and retries with growing pauses until it succeeds, so
 * every handler must be idempotent. Returns the job id.
 */
export async function enqueue<N extends JobName>(
  name: N,
  payload: JobPayloads[N],
  options: EnqueueOptions = {},
): Promise<string> {
  const rows = await prisma().$queryRaw<{ id: string }[]>`
    SELECT id::text FROM graphile_worker.add_job(
      ${name}::text,
      payload => ${JSON.stringify(payload)}::json,
      run_at => ${options.runAt ?? null}::timestamptz,
      max_attempts => ${options.maxAttempts ?? ATTEMPTS_MAX}::int,
      job_key => ${options.key ?? null}::text
    )`
  return rows[0]?.id ?? ''
}
