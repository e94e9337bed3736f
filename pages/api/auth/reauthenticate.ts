import { reauthenticateRoute } from '@/lib/domains/auth/openapi'
import { reauthenticateBody } from '@/lib/domains/auth/schema'
import { reauthenticate } from '@/lib/domains/auth/service'
import { apiHandler } from '@/lib/http/api-handler'
import { parseBody } from '@/lib/http/parse'
import { withLoginRateLimit } from '@/lib/http/rate-limit'
import { requireAuth } from '@/lib/http/require-auth'
import { sendNoContent } from '@/lib/http/respond'

export const config = { api: { bodyParser: false } }

export default apiHandler(
  reauthenticateRoute,
  requireAuth(reauthenticateRoute.access, async (req, res, { actor, ...client }) => {
    const body = await parseBody(req, reauthenticateBody)
    // The holder of an access token must not guess the password faster than with login.
    const attempt = { account: `user ${actor.userId}`, ip: client.ip }
    await withLoginRateLimit(res, attempt, () => reauthenticate(actor, body, client))
    sendNoContent(res)
  }),
)
