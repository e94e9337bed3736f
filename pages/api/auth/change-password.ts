import { changePasswordBody } from '@/lib/domains/auth/schema'
import { changePassword } from '@/lib/domains/auth/service'
import { methodNotAllowed } from '@/lib/errors'
import { apiHandler } from '@/lib/http/api-handler'
import { parseBody } from '@/lib/http/parse'
import { withLoginRateLimit } from '@/lib/http/rate-limit'
import { requireAuth } from '@/lib/http/require-auth'
import { sendNoContent } from '@/lib/http/respond'

export const config = { api: { bodyParser: false } }

const change = requireAuth(async (req, res, { actor, ...origin }) => {
  const body = await parseBody(req, changePasswordBody)
  // Whoever holds an access token alone may not guess the password faster than at the front door.
  const attempt = { account: `user ${actor.userId}`, ip: origin.ip }
  await withLoginRateLimit(res, attempt, () => changePassword(actor, body, origin))
  sendNoContent(res)
})

export default apiHandler((req, res, context) => {
  switch (req.method) {
    case 'POST':
      return change(req, res, context)
    default:
      throw methodNotAllowed('POST')
  }
})
