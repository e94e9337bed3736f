import { changePasswordRoute } from '@/lib/domains/auth/openapi'
import { changePasswordBody } from '@/lib/domains/auth/schema'
import { changePassword } from '@/lib/domains/auth/service'
import { apiHandler } from '@/lib/http/api-handler'
import { parseBody } from '@/lib/http/parse'
import { withLoginRateLimit } from '@/lib/http/rate-limit'
import { requireAuth } from '@/lib/http/require-auth'
import { sendNoContent } from '@/lib/http/respond'

export const config = { api: { bodyParser: false } }

export default apiHandler(
  changePasswordRoute,
  requireAuth(changePasswordRoute.access, async (req, res, { actor, ...client }) => {
    const body = await parseBody(req, changePasswordBody)
    // The holder of an access token must not guess the password faster than with login.
    const attempt = { account: `user ${actor.userId}`, ip: client.ip }
    await withLoginRateLimit(res, attempt, () => changePassword(actor, body, client))
    sendNoContent(res)
  }),
)
