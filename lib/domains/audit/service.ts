import type { List } from '@/lib/platform/pagination/query'
import * as repository from './repository'
import type { AuditEvent, ListAuditEventsQuery } from './schema'

/** Records a security event, as part of the surrounding transaction if there is one. */
export async function recordEvent(event: repository.NewAuditEvent): Promise<void> {
  await repository.insertAuditEvent(event)
}

/** Lists audit events. The route requires an admin. */
export async function listAuditEvents(query: ListAuditEventsQuery): Promise<List<AuditEvent>> {
  return repository.listAuditEvents(query)
}
