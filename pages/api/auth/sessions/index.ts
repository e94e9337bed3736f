import { sessionsRoute } from '@/lib/domains/auth/sessions/openapi'
import { endOtherSessions, listSessions } from '@/lib/domains/auth/sessions/service'
import { apiHandler } from '@/lib/http/api-handler'
import { sendResource } from '@/lib/http/etag'
import { requireAuth } from '@/lib/http/require-auth'
import { sendNoContent } from '@/lib/http/respond'

export const config = { api: { bodyParser: false } }

export default apiHandler(
  sessionsRoute,
  requireAuth(sessionsRoute.access, async (req, res, { actor, ...client }) => {
    switch (req.method) {
      case 'GET':
        return sendResource(req, res, { sessions: await listSessions(actor) })
      case 'DELETE':
        await endOtherSessions(actor, client)
        return sendNoContent(res)
    }
  }),
)
