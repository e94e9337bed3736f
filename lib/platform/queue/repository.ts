import { prisma } from '@/lib/platform/db/prisma'

/** Bounds one statement well below the query timeout; the next clean-up continues. */
const DELETE_BATCH = 10_000

/** Deletes a batch of jobs that failed permanently more than 30 days ago. Returns the number deleted. */
export async function deleteFailedJobs(): Promise<number> {
  return prisma().$executeRaw`
    DELETE FROM graphile_worker._private_jobs WHERE id IN (
      SELECT id FROM graphile_worker._private_jobs
      WHERE attempts >= max_attempts AND locked_at IS NULL AND run_at < now() - interval '30 days'
      LIMIT ${DELETE_BATCH})`
}
