import { pageOf } from '@/lib/platform/pagination/page-schema'
import type { ApiTag } from '@/lib/openapi/operation'
import { auditEvent, listAuditEventsQuery } from './schema'

/** What happened to accounts. */
export const auditDomain: ApiTag = {
  tag: 'Audit',
  description: 'What happened to accounts and credentials, and who did it.',
  schemas: { AuditEvent: auditEvent },
  operations: [
    {
      id: 'listAuditEvents',
      method: 'get',
      path: '/api/audit-events',
      summary: 'List security events, newest first',
      audience: 'admin',
      parameters: [listAuditEventsQuery],
      etag: true,
      list: true,
      answers: { 200: { description: 'A page of events.', schema: pageOf('auditEvents', auditEvent) } },
    },
  ],
}
