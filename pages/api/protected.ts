import { currentUser } from '@/lib/domains/auth/service'
import { protectedRoute } from '@/lib/domains/system/openapi'
import { apiHandler } from '@/lib/http/api-handler'
import { requireAuth } from '@/lib/http/require-auth'
import { sendJson } from '@/lib/http/respond'

export const config = { api: { bodyParser: false } }

export default apiHandler(
  protectedRoute,
  requireAuth(protectedRoute.access, async (_req, res, { actor }) => {
    const user = await currentUser(actor)
    sendJson(res, { message: `Hello, ${user.name ?? user.email}`, user })
  }),
)
