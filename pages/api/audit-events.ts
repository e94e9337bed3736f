import { listAuditEventsQuery } from '@/lib/domains/audit/schema'
import { listAuditEvents } from '@/lib/domains/audit/service'
import { methodNotAllowed } from '@/lib/errors'
import { apiHandler } from '@/lib/http/api-handler'
import { parseQuery } from '@/lib/http/parse'
import { requireAuth, requireRole } from '@/lib/http/require-auth'
import { sendList } from '@/lib/http/send-list'

export const config = { api: { bodyParser: false } }

const list = requireAuth(
  requireRole('admin', async (req, res) => {
    const query = parseQuery(req, listAuditEventsQuery)
    sendList(req, res, { plural: 'auditEvents', request: query, list: await listAuditEvents(query) })
  }),
)

export default apiHandler((req, res, context) => {
  switch (req.method) {
    case 'GET':
      return list(req, res, context)
    default:
      throw methodNotAllowed('GET')
  }
})
