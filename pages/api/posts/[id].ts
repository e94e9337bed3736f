import { methodNotAllowed } from '@/lib/errors'
import { apiHandler } from '@/lib/http/api-handler'
import { preconditionOf, sendResource } from '@/lib/http/etag'
import { parseBody, parseQuery } from '@/lib/http/parse'
import { optionalAuth, requireAuth, requireScope } from '@/lib/http/require-auth'
import { sendNoContent } from '@/lib/http/respond'
import { postPath, replacePostBody, updatePostBody } from '@/lib/domains/posts/schema'
import { deletePost, getPost, updatePost } from '@/lib/domains/posts/service'

export const config = { api: { bodyParser: false } }

const show = optionalAuth(
  requireScope('posts:read', async (req, res, { actor }) => {
    const { id } = parseQuery(req, postPath)
    sendResource(req, res, await getPost(actor, id))
  }),
)

const replace = requireAuth(
  requireScope('posts:write', async (req, res, { actor }) => {
    const { id } = parseQuery(req, postPath)
    sendResource(req, res, await updatePost(actor, id, await parseBody(req, replacePostBody), preconditionOf(req)))
  }),
)

const change = requireAuth(
  requireScope('posts:write', async (req, res, { actor }) => {
    const { id } = parseQuery(req, postPath)
    sendResource(req, res, await updatePost(actor, id, await parseBody(req, updatePostBody), preconditionOf(req)))
  }),
)

const remove = requireAuth(
  requireScope('posts:write', async (req, res, { actor }) => {
    const { id } = parseQuery(req, postPath)
    await deletePost(actor, id, preconditionOf(req))
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
