import { methodNotAllowed } from '@/lib/errors'
import { apiHandler } from '@/lib/http/api-handler'
import { parseQuery } from '@/lib/http/parse'
import { requireAuth, requireScope } from '@/lib/http/require-auth'
import { sendList } from '@/lib/http/send-list'
import { listPostsOfUserQuery } from '@/lib/domains/posts/schema'
import { listPostsOf } from '@/lib/domains/posts/service'

export const config = { api: { bodyParser: false } }

const list = requireAuth(
  requireScope('posts:read', async (req, res, { actor }) => {
    const { id, ...request } = parseQuery(req, listPostsOfUserQuery)
    sendList(req, res, { plural: 'posts', request, list: await listPostsOf(actor, id, request) })
  }),
)

export default apiHandler((req, res, context) => {
  switch (req.method) {
    case 'GET':
      return list(req, res, context)
    default:
      throw methodNotAllowed('GET')
  }
})
