import { postRoute } from '@/lib/domains/posts/openapi'
import { postPath, replacePostBody, updatePostBody } from '@/lib/domains/posts/schema'
import { deletePost, getPost, updatePost } from '@/lib/domains/posts/service'
import { apiHandler } from '@/lib/http/api-handler'
import { preconditionOf, sendResource } from '@/lib/http/etag'
import { parseBody, parseQuery } from '@/lib/http/parse'
import { optionalAuth, requireAuth } from '@/lib/http/require-auth'
import { sendNoContent } from '@/lib/http/respond'

export const config = { api: { bodyParser: false } }

const handleGet = optionalAuth(postRoute.GET.access, async (req, res, { actor }) => {
  const { id } = parseQuery(req, postPath)
  sendResource(req, res, await getPost(actor, id))
})

const handleChange = requireAuth(postRoute.PATCH.access, async (req, res, { actor }) => {
  const { id } = parseQuery(req, postPath)
  const changes = await parseBody(req, req.method === 'PUT' ? replacePostBody : updatePostBody)
  sendResource(req, res, await updatePost(actor, id, changes, preconditionOf(req)))
})

const handleDelete = requireAuth(postRoute.DELETE.access, async (req, res, { actor }) => {
  const { id } = parseQuery(req, postPath)
  await deletePost(actor, id, preconditionOf(req))
  sendNoContent(res)
})

export default apiHandler(postRoute, (req, res, context) => {
  switch (req.method) {
    case 'GET':
      return handleGet(req, res, context)
    case 'PUT':
    case 'PATCH':
      return handleChange(req, res, context)
    case 'DELETE':
      return handleDelete(req, res, context)
  }
})
