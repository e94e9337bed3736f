import { methodNotAllowed } from '@/lib/errors'
import { apiHandler } from '@/lib/http/api-handler'
import type { AuthContext } from '@/lib/http/context'
import { created, idempotent } from '@/lib/http/with-idempotency'
import { parseBody, parseQuery } from '@/lib/http/parse'
import { optionalAuth, requireAuth, requireScope } from '@/lib/http/require-auth'
import { sendList } from '@/lib/http/send-list'
import { createPostBody, listPostsQuery } from '@/lib/domains/posts/schema'
import { createPost, listPosts } from '@/lib/domains/posts/service'

export const config = { api: { bodyParser: false } }

const list = optionalAuth(
  requireScope('posts:read', async (req, res, { actor }) => {
    const query = parseQuery(req, listPostsQuery)
    sendList(req, res, { plural: 'posts', request: query, list: await listPosts(actor, query) })
  }),
)

const create = requireAuth(
  requireScope(
    'posts:write',
    idempotent<AuthContext>(async (req, { actor }) =>
      created('/api/posts', await createPost(actor, await parseBody(req, createPostBody))),
    ),
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
