import { registerBody } from '@/lib/auth/schema'
import { register } from '@/lib/auth/service'
import { methodNotAllowed } from '@/lib/errors'
import { apiHandler } from '@/lib/http/api-handler'
import type { Context, Handler } from '@/lib/http/context'
import { parseBody } from '@/lib/http/parse'
import { limitStrictly } from '@/lib/http/rate-limit'
import { sendTokens } from '@/lib/http/send-tokens'

export const config = { api: { bodyParser: false } }

const signUp: Handler<Context> = limitStrictly('sign-up', async (req, res, context) => {
  const { session, ...input } = await parseBody(req, registerBody)
  const { user, tokens } = await register(input, context)
  res.setHeader('Location', `/api/users/${user.id}`)
  sendTokens(req, res, { tokens, session, beside: { user }, status: 201 })
})

export default apiHandler((req, res, context) => {
  switch (req.method) {
    case 'POST':
      return signUp(req, res, context)
    default:
      throw methodNotAllowed('POST')
  }
})
