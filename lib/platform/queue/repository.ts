import { prisma } from '@/lib/platform/db/prisma'

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

/**
 * Removes sessions that expired a week ago: until then a refresh token of theirs is told to have expired, and not to be
 * none of ours. How many.
 */
export async function deleteExpiredSessions(): Promise<number> {
  return prisma().$executeRaw`
    DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE expires_at < now() - interval '7 days' LIMIT ${ROWS_MAX})`
}
