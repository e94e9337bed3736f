import { loginRoute } from '@/lib/domains/auth/openapi'
import { loginBody } from '@/lib/domains/auth/schema'
import { login } from '@/lib/domains/auth/service'
import { apiHandler } from '@/lib/http/api-handler'
import { parseBody } from '@/lib/http/parse'
import { withLoginRateLimit } from '@/lib/http/rate-limit'
import { sendTokens } from '@/lib/http/send-token-response'

export const config = { api: { bodyParser: false } }

export default apiHandler(loginRoute, async (req, res, context) => {
  const { session, ...credentials } = await parseBody(req, loginBody)
  const attempt = { account: credentials.email, ip: context.ip }
  const { user, tokens } = await withLoginRateLimit(res, attempt, () => login(credentials, context))
  sendTokens(req, res, { tokens, session, extra: { user } })
})
