import type { List } from '@/lib/platform/pagination/query'
import * as repository from './repository'
import type { AuditEvent, ListAuditEventsQuery } from './schema'

/**
 * Keeps a security event that stands for itself, such as a failed sign-in. One that goes with a change is written in the
 * change's own transaction: repositories pass theirs to `insertAuditEvent`.
 */
export async function recordEvent(event: repository.NewAuditEvent): Promise<void> {
  await repository.insertAuditEvent(event)
}

/** For admins; the route sees to that. */
export async function listAuditEvents(query: ListAuditEventsQuery): Promise<List<AuditEvent>> {
  return repository.listAuditEvents(query)
}
