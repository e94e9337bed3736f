import { protectedRoute } from '@/lib/domains/system/openapi'
import { greetCaller } from '@/lib/domains/system/service'
import { apiHandler } from '@/lib/http/api-handler'
import { requireAuth } from '@/lib/http/require-auth'
import { sendJson } from '@/lib/http/respond'

export const config = { api: { bodyParser: false } }

export default apiHandler(
  protectedRoute,
  requireAuth(protectedRoute.access, async (_req, res, { actor }) => {
    sendJson(res, await greetCaller(actor))
  }),
)
