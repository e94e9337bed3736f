import { postsRoute } from '@/lib/domains/posts/openapi'
import { createPostBody, listPostsQuery } from '@/lib/domains/posts/schema'
import { createPost, listPosts } from '@/lib/domains/posts/service'
import { apiHandler } from '@/lib/http/api-handler'
import { parseBody, parseQuery } from '@/lib/http/parse'
import { optionalAuth, requireAuth } from '@/lib/http/require-auth'
import { sendList } from '@/lib/http/send-list'
import { created, withIdempotency } from '@/lib/http/with-idempotency'

export const config = { api: { bodyParser: false } }

const handleGet = optionalAuth(postsRoute.GET.access, async (req, res, { actor }) => {
  const query = parseQuery(req, listPostsQuery)
  sendList(req, res, { plural: 'posts', request: query, list: await listPosts(actor, query) })
})

const handlePost = requireAuth(
  postsRoute.POST.access,
  withIdempotency(async (req, { actor }) =>
    created('/api/posts', await createPost(actor, await parseBody(req, createPostBody))),
  ),
)

export default apiHandler(postsRoute, (req, res, context) => {
  switch (req.method) {
    case 'GET':
      return handleGet(req, res, context)
    case 'POST':
      return handlePost(req, res, context)
  }
})
