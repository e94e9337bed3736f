import { prisma } from '@/lib/platform/db/prisma'

/** Keeps a clean-up statement well below the query timeout; the next run continues. */
const CLEANUP_ROWS_MAX = 10_000

/** Counts an e-mail to a recipient, the hash of an address, and returns the number within the current hour. */
export async function countMail(recipient: Uint8Array<ArrayBuffer>): Promise<number> {
  const [counter] = await prisma().$queryRaw<{ count: number }[]>`
    INSERT INTO mail_counters AS c (recipient) VALUES (${recipient})
    ON CONFLICT (recipient) DO UPDATE SET
      count = CASE WHEN c.window_start < now() - interval '1 hour' THEN 1 ELSE c.count + 1 END,
      window_start = CASE WHEN c.window_start < now() - interval '1 hour' THEN now() ELSE c.window_start END
    RETURNING count`
  return counter?.count ?? 1
}

/** Deletes counters whose hour is over and returns their number. */
export async function deleteOldMailCounters(): Promise<number> {
  return prisma().$executeRaw`
    DELETE FROM mail_counters WHERE recipient IN (
      SELECT recipient FROM mail_counters WHERE window_start < now() - interval '1 hour' LIMIT ${CLEANUP_ROWS_MAX})`
}
