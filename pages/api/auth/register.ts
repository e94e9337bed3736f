import { registerBody } from '@/lib/domains/auth/schema'
import { register } from '@/lib/domains/auth/service'
import { methodNotAllowed } from '@/lib/errors'
import { apiHandler } from '@/lib/http/api-handler'
import type { Context } from '@/lib/http/context'
import { idempotent } from '@/lib/http/with-idempotency'
import { parseBody } from '@/lib/http/parse'
import { withStrictRateLimit } from '@/lib/http/rate-limit'
import { tokenResponse } from '@/lib/http/send-token-response'

export const config = { api: { bodyParser: false } }

const signUp = withStrictRateLimit(
  'sign-up',
  idempotent<Context>(async (req, context) => {
    const { session, ...input } = await parseBody(req, registerBody)
    const { user, tokens } = await register(input, context)
    const { headers, body } = tokenResponse(req, { tokens, session, beside: { user } })
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
