import { usersRoute } from '@/lib/domains/users/openapi'
import { createUserBody, listUsersQuery } from '@/lib/domains/users/schema'
import { createUser } from '@/lib/domains/auth/accounts/service'
import { listUsers } from '@/lib/domains/users/service'
import { apiHandler } from '@/lib/http/api-handler'
import type { OptionalAuthContext } from '@/lib/http/context'
import { parseBody, parseQuery } from '@/lib/http/parse'
import { withStrictRateLimit } from '@/lib/http/rate-limit'
import { optionalAuth, requireAuth } from '@/lib/http/require-auth'
import { sendList } from '@/lib/http/send-list'
import { created, withIdempotency } from '@/lib/http/with-idempotency'

export const config = { api: { bodyParser: false } }

const handleGet = requireAuth(usersRoute.GET.access, async (req, res) => {
  const query = parseQuery(req, listUsersQuery)
  sendList(req, res, { plural: 'users', request: query, list: await listUsers(query) })
})

const create = withIdempotency<OptionalAuthContext>(async (req, { actor, ...client }) =>
  created('/api/users', await createUser(actor, await parseBody(req, createUserBody), client)),
)

const createLimited = withStrictRateLimit('sign-up', create)

const handlePost = optionalAuth(usersRoute.POST.access, (req, res, context) =>
  context.actor?.role === 'admin' ? create(req, res, context) : createLimited(req, res, context),
)

export default apiHandler(usersRoute, (req, res, context) => {
  switch (req.method) {
    case 'GET':
      return handleGet(req, res, context)
    case 'POST':
      return handlePost(req, res, context)
  }
})
