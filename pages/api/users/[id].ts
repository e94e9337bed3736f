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

const handleGet = requireAuth(userRoute.GET.access, async (req, res, { actor }) => {
  const { id, include } = parseQuery(req, showUserQuery)
  sendResource(req, res, await getUserWithIncludes(actor, id, include))
})

const handleWrite = requireAuth(userRoute.PATCH.access, async (req, res, { actor, ...client }) => {
  const { id } = parseQuery(req, userPath)
  const changes = await parseBody(req, req.method === 'PUT' ? replaceUserBody : updateUserBody)
  sendResource(req, res, await updateUser(actor, id, changes, client, preconditionOf(req)))
})

const handleDelete = requireAuth(userRoute.DELETE.access, async (req, res, { actor, ...client }) => {
  const { id } = parseQuery(req, userPath)
  await deleteUser(actor, id, client, preconditionOf(req))
  sendNoContent(res)
})

export default apiHandler(userRoute, (req, res, context) => {
  switch (req.method) {
    case 'GET':
      return handleGet(req, res, context)
    case 'PUT':
    case 'PATCH':
      return handleWrite(req, res, context)
    case 'DELETE':
      return handleDelete(req, res, context)
  }
})
