import { defineRoute, type ApiTag } from '@/lib/platform/operation'
import { pageOf } from '@/lib/platform/pagination/page-schema'
import { auditEvent, listAuditEventsQuery } from './schema'

export const auditEventsRoute = defineRoute(
  '/api/audit-events',
  { role: 'admin' },
  {
    GET: {
      id: 'listAuditEvents',
      summary: 'List security events, newest first',
      parameters: [listAuditEventsQuery],
      etag: true,
      list: true,
      responses: { 200: { description: 'A page of events.', schema: pageOf('auditEvents', auditEvent) } },
    },
  },
)

export const auditTag: ApiTag = {
  tag: 'Audit',
  description: 'Changes to accounts and credentials, and their actors.',
  schemas: { AuditEvent: auditEvent },
  operations: auditEventsRoute.operations,
}
