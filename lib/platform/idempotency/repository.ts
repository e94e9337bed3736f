import { prisma } from '@/lib/platform/db/prisma'

/** Bounds one statement well below the query timeout; the next clean-up continues. */
const DELETE_BATCH = 10_000

/** `id` is a hash of caller, route and key; `fingerprint` an HMAC of the request; `response` is encrypted. */
export type IdempotencyRecord = { id: string; fingerprint: string; response: string }

/**
 * Tries to lock an id until the transaction ends. PostgreSQL releases the lock with the connection, so a killed process
 * leaves nothing locked. Returns whether the lock was free.
 */
export async function lockIdempotencyId(id: string): Promise<boolean> {
  const lockKey = Buffer.from(id, 'base64url').readBigInt64BE()
  const [row] = await prisma().$queryRaw<{ locked: boolean }[]>`SELECT pg_try_advisory_xact_lock(${lockKey}) AS locked`
  return row?.locked === true
}

/** Finds the record of an id that has not expired. */
export async function findIdempotencyRecord(id: string): Promise<IdempotencyRecord | undefined> {
  const [row] = await prisma().$queryRaw<IdempotencyRecord[]>`
    SELECT id, fingerprint, response FROM idempotency_records WHERE id = ${id} AND expires_at > now()`
  return row
}

/** Stores a record for 24 hours and replaces an expired one. */
export async function storeIdempotencyRecord({ id, fingerprint, response }: IdempotencyRecord): Promise<void> {
  await prisma().$executeRaw`
    INSERT INTO idempotency_records (id, fingerprint, response, expires_at)
    VALUES (${id}, ${fingerprint}, ${response}, now() + interval '24 hours')
    ON CONFLICT (id) DO UPDATE SET
      fingerprint = EXCLUDED.fingerprint, response = EXCLUDED.response, expires_at = EXCLUDED.expires_at`
}

/** Deletes a batch of expired records. Returns the number deleted. */
export async function deleteExpiredIdempotencyRecords(): Promise<number> {
  return prisma().$executeRaw`
    DELETE FROM idempotency_records WHERE id IN (
      SELECT id FROM idempotency_records WHERE expires_at <= now() LIMIT ${DELETE_BATCH})`
}
