import { prisma } from '@/lib/prisma'

/** So that a statement ends well within the time that a query may take; the next sweep goes on. */
const ROWS_MAX = 10_000

/** Removes jobs that failed for good a month ago; nobody looked into them. How many. */
export async function deleteFailedJobs(): Promise<number> {
  return prisma().$executeRaw`
    DELETE FROM graphile_worker._private_jobs WHERE id IN (
      SELECT id FROM graphile_worker._private_jobs
      WHERE attempts >= max_attempts AND locked_at IS NULL AND run_at < now() - interval '30 days'
      LIMIT ${ROWS_MAX})`
}

/** Removes sessions that have expired. How many. */
export async function deleteExpiredSessions(): Promise<number> {
  return prisma().$executeRaw`
    DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE expires_at < now() LIMIT ${ROWS_MAX})`
}
