import { prisma } from '@/lib/platform/db/prisma'

/** So that a sweep ends well within the time that a query may take; the next one goes on. */
const SWEEP_ROWS_MAX = 10_000

/** A record: `id` names caller, route and key, `fingerprint` the request, `answer` is sealed. */
export type IdempotencyRecord = { id: string; fingerprint: string; answer: string }

/**
 * Takes the lock of an id until the transaction ends, however it ends: when the process is killed PostgreSQL gives the
 * lock back with the connection. Whether it was free.
 */
export async function lockIdempotencyId(id: string): Promise<boolean> {
  const number = Buffer.from(id, 'base64url').readBigInt64BE()
  const [row] = await prisma().$queryRaw<{ taken: boolean }[]>`SELECT pg_try_advisory_xact_lock(${number}) AS taken`
  return row?.taken === true
}

/** The record of an id that has not expired. */
export async function findIdempotencyRecord(id: string): Promise<IdempotencyRecord | undefined> {
  const [row] = await prisma().$queryRaw<IdempotencyRecord[]>`
    SELECT id, fingerprint, answer FROM idempotency_records WHERE id = ${id} AND expires_at > now()`
  return row
}

/** Keeps a record for 24 hours, in place of one that has expired. */
export async function keepIdempotencyRecord({ id, fingerprint, answer }: IdempotencyRecord): Promise<void> {
  await prisma().$executeRaw`
    INSERT INTO idempotency_records (id, fingerprint, answer, expires_at)
    VALUES (${id}, ${fingerprint}, ${answer}, now() + interval '24 hours')
    ON CONFLICT (id) DO UPDATE SET
      fingerprint = EXCLUDED.fingerprint, answer = EXCLUDED.answer, expires_at = EXCLUDED.expires_at`
}

/** Removes records that have expired, a part at a time. How many. */
export async function deleteExpiredIdempotencyRecords(): Promise<number> {
  return prisma().$executeRaw`
    DELETE FROM idempotency_records WHERE id IN (
      SELECT id FROM idempotency_records WHERE expires_at <= now() LIMIT ${SWEEP_ROWS_MAX})`
}
