import { methodNotAllowed } from '@/lib/errors'
import { apiHandler } from '@/lib/http/api-handler'
import type { OptionalAuthContext } from '@/lib/http/context'
import { created, idempotent } from '@/lib/http/with-idempotency'
import { parseBody, parseQuery } from '@/lib/http/parse'
import { withStrictRateLimit } from '@/lib/http/rate-limit'
import { optionalAuth, requireAuth, requireRole, requireScope } from '@/lib/http/require-auth'
import { sendList } from '@/lib/http/send-list'
import { createUserBody, listUsersQuery } from '@/lib/domains/users/schema'
import { createUser, listUsers } from '@/lib/domains/users/service'

export const config = { api: { bodyParser: false } }

const list = requireAuth(
  requireScope(
    'users:read',
    requireRole('admin', async (req, res) => {
      const query = parseQuery(req, listUsersQuery)
      sendList(req, res, { plural: 'users', request: query, list: await listUsers(query) })
    }),
  ),
)

const add = idempotent<OptionalAuthContext>(async (req, { actor }) =>
  created('/api/users', await createUser(actor, await parseBody(req, createUserBody))),
)

const signUp = withStrictRateLimit('sign-up', add)

const create = optionalAuth(
  requireScope('users:write', (req, res, context) =>
    context.actor?.role === 'admin' ? add(req, res, context) : signUp(req, res, context),
  ),
)

export default apiHandler((req, res, context) => {
  switch (req.method) {
    case 'GET':
      return list(req, res, context)
    case 'POST':
      return create(req, res, context)
    default:
      throw methodNotAllowed('GET', 'POST')
  }
})
