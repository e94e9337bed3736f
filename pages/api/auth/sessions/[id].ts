import { sessionRoute } from '@/lib/domains/auth/sessions/openapi'
import { sessionPath } from '@/lib/domains/auth/sessions/schema'
import { endSession } from '@/lib/domains/auth/sessions/service'
import { apiHandler } from '@/lib/http/api-handler'
import { parseQuery } from '@/lib/http/parse'
import { requireAuth } from '@/lib/http/require-auth'
import { sendNoContent } from '@/lib/http/respond'

export const config = { api: { bodyParser: false } }

export default apiHandler(
  sessionRoute,
  requireAuth(sessionRoute.access, async (req, res, { actor, ...client }) => {
    const { id } = parseQuery(req, sessionPath)
    await endSession(actor, id, client)
    sendNoContent(res)
  }),
)
