import { loginBody } from '@/lib/domains/auth/schema'
import { login } from '@/lib/domains/auth/service'
import { methodNotAllowed } from '@/lib/errors'
import { apiHandler } from '@/lib/http/api-handler'
import type { Context, Handler } from '@/lib/http/context'
import { parseBody } from '@/lib/http/parse'
import { withLoginRateLimit } from '@/lib/http/rate-limit'
import { sendTokens } from '@/lib/http/send-token-response'

export const config = { api: { bodyParser: false } }

const signIn: Handler<Context> = async (req, res, context) => {
  const { session, ...credentials } = await parseBody(req, loginBody)
  const attempt = { account: credentials.email, ip: context.ip }
  const { user, tokens } = await withLoginRateLimit(res, attempt, () => login(credentials, context))
  sendTokens(req, res, { tokens, session, beside: { user } })
}

export default apiHandler((req, res, context) => {
  switch (req.method) {
    case 'POST':
      return signIn(req, res, context)
    default:
      throw methodNotAllowed('POST')
  }
})
