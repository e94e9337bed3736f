import { postsOfUserRoute } from '@/lib/domains/posts/openapi'
import { listPostsOfUserQuery } from '@/lib/domains/posts/schema'
import { listPostsOf } from '@/lib/domains/posts/service'
import { apiHandler } from '@/lib/http/api-handler'
import { parseQuery } from '@/lib/http/parse'
import { requireAuth } from '@/lib/http/require-auth'
import { sendList } from '@/lib/http/send-list'

export const config = { api: { bodyParser: false } }

export default apiHandler(
  postsOfUserRoute,
  requireAuth(postsOfUserRoute.access, async (req, res, { actor }) => {
    const { id, ...request } = parseQuery(req, listPostsOfUserQuery)
    sendList(req, res, { plural: 'posts', request, list: await listPostsOf(actor, id, request) })
  }),
)
