import { methodNotAllowed } from '@/lib/errors'
import { apiHandler } from '@/lib/http/api-handler'
import { parseBody, parseQuery } from '@/lib/http/parse'
import { optionalAuth, requireAuth, requireScope } from '@/lib/http/require-auth'
import { sendJson, sendNoContent } from '@/lib/http/respond'
import { postPath, replacePostBody, updatePostBody } from '@/lib/posts/schema'
import { deletePost, getPost, updatePost } from '@/lib/posts/service'

export const config = { api: { bodyParser: false } }

const show = optionalAuth(
  requireScope('posts:read', async (req, res, { actor }) => {
    const { id } = parseQuery(req, postPath)
    sendJson(res, await getPost(actor, id))
  }),
)

const replace = requireAuth(
  requireScope('posts:write', async (req, res, { actor }) => {
    const { id } = parseQuery(req, postPath)
    sendJson(res, await updatePost(actor, id, await parseBody(req, replacePostBody)))
  }),
)

const change = requireAuth(
  requireScope('posts:write', async (req, res, { actor }) => {
    const { id } = parseQuery(req, postPath)
    sendJson(res, await updatePost(actor, id, await parseBody(req, updatePostBody)))
  }),
)

const remove = requireAuth(
  requireScope('posts:write', async (req, res, { actor }) => {
    const { id } = parseQuery(req, postPath)
    await deletePost(actor, id)
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
