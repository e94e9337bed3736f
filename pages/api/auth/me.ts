import { meRoute } from '@/lib/domains/auth/openapi'
import { currentUser } from '@/lib/domains/auth/service'
import { apiHandler } from '@/lib/http/api-handler'
import { sendResource } from '@/lib/http/etag'
import { requireAuth } from '@/lib/http/require-auth'

export const config = { api: { bodyParser: false } }

export default apiHandler(
  meRoute,
  requireAuth(meRoute.access, async (req, res, { actor }) =>
    sendResource(req, res, { user: await currentUser(actor) }),
  ),
)
