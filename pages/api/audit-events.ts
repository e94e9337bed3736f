import { auditEventsRoute } from '@/lib/domains/audit/openapi'
import { listAuditEventsQuery } from '@/lib/domains/audit/schema'
import { listAuditEvents } from '@/lib/domains/audit/service'
import { apiHandler } from '@/lib/http/api-handler'
import { parseQuery } from '@/lib/http/parse'
import { requireAuth } from '@/lib/http/require-auth'
import { sendList } from '@/lib/http/send-list'

export const config = { api: { bodyParser: false } }

export default apiHandler(
  auditEventsRoute,
  requireAuth(auditEventsRoute.access, async (req, res) => {
    const query = parseQuery(req, listAuditEventsQuery)
    sendList(req, res, { plural: 'auditEvents', request: query, list: await listAuditEvents(query) })
  }),
)
