import { sweepIdempotencyRecords } from '@/lib/idempotency/repository'
import { deleteOldInvitations } from '@/lib/invitations/repository'
import { deleteOldEmailTokens } from '@/lib/recovery/repository'
import { sweepFiles } from '@/lib/files/service'
import { deleteFailedJobs, deleteExpiredSessions } from './repository'

/** Removes what nobody needs any more, a part at a time; how many rows it removed. */
type Sweep = () => Promise<number>

/** What is swept every ten minutes, by name. Several servers may sweep at once. */
export const sweeps: Record<string, Sweep> = {
  'failed jobs': deleteFailedJobs,
  'expired sessions': deleteExpiredSessions,
  'expired idempotency records': sweepIdempotencyRecords,
  'old email tokens': deleteOldEmailTokens,
  'bytes that no file names': sweepFiles,
  'old invitations': deleteOldInvitations,
}
