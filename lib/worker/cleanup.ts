import { deleteExpiredIdempotencyRecords } from '@/lib/platform/idempotency/repository'
import { deleteOldInvitations } from '@/lib/domains/families/invitations/repository'
import { deleteOldEmailTokens } from '@/lib/domains/auth/recovery/repository'
import { deleteUnreferencedFiles } from '@/lib/domains/files/service'
import { deleteFailedJobs, deleteExpiredSessions } from '@/lib/platform/queue/repository'

/** Removes what nobody needs any more, a part at a time; how many rows it removed. */
type Sweep = () => Promise<number>

/** What is swept every ten minutes, by name. Several servers may sweep at once. */
export const sweeps: Record<string, Sweep> = {
  'failed jobs': deleteFailedJobs,
  'expired sessions': deleteExpiredSessions,
  'expired idempotency records': deleteExpiredIdempotencyRecords,
  'old email tokens': deleteOldEmailTokens,
  'bytes that no file names': deleteUnreferencedFiles,
  'old invitations': deleteOldInvitations,
}
