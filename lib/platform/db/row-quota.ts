import { AppError } from '@/lib/errors'
import { prisma } from './prisma'

/** More than the connections that a PostgreSQL server has, so also more than the rows that are being inserted. */
const CONCURRENT_INSERTS_MAX = 1_000

/**
 * Checks that a user may insert another row, within the transaction that inserts it. Concurrent inserts of the user wait
 * for each other only near the limit, and cannot exceed it together.
 * @throws QUOTA_EXCEEDED when `count` has reached `max`
 */
export async function assertRowQuota(
  { name, ownerId, max }: { name: string; ownerId: number; max: number },
  count: () => Promise<number>,
): Promise<void> {
  if ((await count()) + CONCURRENT_INSERTS_MAX < max) return
  await prisma().$executeRaw`SELECT pg_advisory_xact_lock(hashtextextended(${`${name}:${ownerId}`}, 0))`
  if ((await count()) >= max)
    throw new AppError('QUOTA_EXCEEDED', { message: `A user can have at most ${max} ${name}.` })
}
