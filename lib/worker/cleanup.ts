import { deleteExpiredIdempotencyRecords } from '@/lib/platform/idempotency/repository'
import { deleteOldAuditEvents } from '@/lib/domains/audit/repository'
import { deleteOldEvents, deleteOldTickets } from '@/lib/domains/events/repository'
import { deleteOldInvitations } from '@/lib/domains/families/invitations/repository'
import { deleteOldEmailTokens } from '@/lib/domains/auth/recovery/repository'
import { deleteUnreferencedFiles } from '@/lib/domains/files/service'
import { deleteExpiredSessions } from '@/lib/domains/auth/sessions/repository'
import { deleteOldMailCounters } from '@/lib/platform/mail/repository'
import { deleteOldMailFiles } from '@/lib/platform/mail/transport'
import { deleteFailedJobs } from '@/lib/platform/queue/repository'

/** Deletes one batch. Returns the number of rows or objects deleted. */
type CleanupTask = () => Promise<number>

/** The clean-up tasks by name, run every ten minutes. Several workers may run them concurrently. */
export const cleanupTasks: Record<string, CleanupTask> = {
  'failed jobs': deleteFailedJobs,
  'expired sessions': deleteExpiredSessions,
  'expired idempotency records': deleteExpiredIdempotencyRecords,
  'old email tokens': deleteOldEmailTokens,
  'old audit events': deleteOldAuditEvents,
  'old events': deleteOldEvents,
  'old event tickets': deleteOldTickets,
  'old mail counters': deleteOldMailCounters,
  'old mail files': deleteOldMailFiles,
  'unreferenced files': deleteUnreferencedFiles,
  'old invitations': deleteOldInvitations,
}
