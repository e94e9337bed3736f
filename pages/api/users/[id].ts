import { methodNotAllowed } from '@/lib/errors'
import { apiHandler } from '@/lib/http/api-handler'
import { preconditionOf, sendResource } from '@/lib/http/etag'
import { parseBody, parseQuery } from '@/lib/http/parse'
import { requireAuth, requireScope } from '@/lib/http/require-auth'
import { sendNoContent } from '@/lib/http/respond'
import { showUserQuery } from '@/lib/domains/users/include-schema'
import { replaceUserBody, updateUserBody, userPath } from '@/lib/domains/users/schema'
import { deleteUser, getUserWithIncludes, updateUser } from '@/lib/domains/users/service'

export const config = { api: { bodyParser: false } }

const show = requireAuth(
  requireScope('users:read', async (req, res, { actor }) => {
    const { id, include } = parseQuery(req, showUserQuery)
    sendResource(req, res, await getUserWithIncludes(actor, id, include))
  }),
)

const replace = requireAuth(
  requireScope('users:write', async (req, res, { actor, ...origin }) => {
    const { id } = parseQuery(req, userPath)
    sendResource(
      req,
      res,
      await updateUser(actor, id, await parseBody(req, replaceUserBody), origin, preconditionOf(req)),
    )
  }),
)

const change = requireAuth(
  requireScope('users:write', async (req, res, { actor, ...origin }) => {
    const { id } = parseQuery(req, userPath)
    sendResource(
      req,
      res,
      await updateUser(actor, id, await parseBody(req, updateUserBody), origin, preconditionOf(req)),
    )
  }),
)

const remove = requireAuth(
  requireScope('users:write', async (req, res, { actor, ...origin }) => {
    const { id } = parseQuery(req, userPath)
    await deleteUser(actor, id, origin, preconditionOf(req))
    sendNoContent(res)
  }),
)

export default apiHandler((req, res, context) => {
  switch (req.method) {
    case 'GET':
      return show(req, res, context)
    case 'PUT':
      return replace(req, res, context)
    case 'PATCH':
      return change(req, res, context)
    case 'DELETE':
      return remove(req, res, context)
    default:
      throw methodNotAllowed('GET', 'PUT', 'PATCH', 'DELETE')
  }
})
