import { registerRoute } from '@/lib/domains/auth/openapi'
import { registerBody } from '@/lib/domains/auth/schema'
import { register } from '@/lib/domains/auth/accounts/service'
import { apiHandler } from '@/lib/http/api-handler'
import { parseBody } from '@/lib/http/parse'
import { withStrictRateLimit } from '@/lib/http/rate-limit'
import { tokenResponse } from '@/lib/http/send-token-response'
import { withIdempotency } from '@/lib/http/with-idempotency'

export const config = { api: { bodyParser: false } }

export default apiHandler(
  registerRoute,
  withStrictRateLimit(
    'sign-up',
    withIdempotency(async (req, context) => {
      const { session, ...input } = await parseBody(req, registerBody)
      const { user, tokens } = await register(input, context)
      const { headers, body } = tokenResponse(req, { tokens, session, extra: { user } })
      return { headers: { ...headers, Location: `/api/users/${user.id}` }, body }
    }),
  ),
)
