import { userRoute } from '@/lib/domains/users/openapi'
import { replaceUserBody, showUserQuery, updateUserBody, userPath } from '@/lib/domains/users/schema'
import { deleteUser, updateUser } from '@/lib/domains/auth/accounts/service'
import { getUserWithIncludes } from '@/lib/domains/users/service'
import { apiHandler } from '@/lib/http/api-handler'
import { preconditionOf, sendResource } from '@/lib/http/etag'
import { parseBody, parseQuery } from '@/lib/http/parse'
import { requireAuth } from '@/lib/http/require-auth'
import { sendNoContent } from '@/lib/http/respond'

export const config = { api: { bodyParser: false } }

export default apiHandler(
  userRoute,
  requireAuth(userRoute.access, async (req, res, { actor, ...client }) => {
    switch (req.method) {
      case 'GET': {
        const { id, include } = parseQuery(req, showUserQuery)
        return sendResource(req, res, await getUserWithIncludes(actor, id, include))
      }
      case 'PUT':
      case 'PATCH': {
        const { id } = parseQuery(req, userPath)
        const changes = await parseBody(req, req.method === 'PUT' ? replaceUserBody : updateUserBody)
        return sendResource(req, res, await updateUser(actor, id, changes, client, preconditionOf(req)))
      }
      case 'DELETE': {
        const { id } = parseQuery(req, userPath)
        await deleteUser(actor, id, client, preconditionOf(req))
        return sendNoContent(res)
      }
    }
  }),
)
