import { registerBody } from '@/lib/auth/schema'
import { register } from '@/lib/auth/service'
import { methodNotAllowed } from '@/lib/errors'
import { apiHandler } from '@/lib/http/api-handler'
import type { Context } from '@/lib/http/context'
import { idempotent } from '@/lib/http/idempotent'
import { parseBody } from '@/lib/http/parse'
import { limitStrictly } from '@/lib/http/rate-limit'
import { tokenAnswer } from '@/lib/http/send-tokens'

export const config = { api: { bodyParser: false } }

const signUp = limitStrictly(
  'sign-up',
  idempotent<Context>(async (req, context) => {
    const { session, ...input } = await parseBody(req, registerBody)
    const { user, tokens } = await register(input, context)
    const { headers, body } = tokenAnswer(req, { tokens, session, beside: { user } })
    return { headers: { ...headers, Location: `/api/users/${user.id}` }, body }
  }),
)

export default apiHandler((req, res, context) => {
  switch (req.method) {
    case 'POST':
      return signUp(req, res, context)
    default:
      throw methodNotAllowed('POST')
  }
})
