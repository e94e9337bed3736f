import { methodNotAllowed } from '@/lib/errors'
import { createLinkBody } from '@/lib/files/schema'
import { createLink } from '@/lib/files/service'
import { apiHandler } from '@/lib/http/api-handler'
import { parseBody } from '@/lib/http/parse'
import { requireAuth, requireScope } from '@/lib/http/require-auth'
import { sendJson } from '@/lib/http/respond'

export const config = { api: { bodyParser: false } }

const create = requireAuth(
  requireScope('files:write', async (req, res, { actor }) => {
    const link = await createLink(actor, await parseBody(req, createLinkBody))
    res.setHeader('Location', link.url)
    sendJson(res, link, 201)
  }),
)

export default apiHandler((req, res, context) => {
  switch (req.method) {
    case 'POST':
      return create(req, res, context)
    default:
      throw methodNotAllowed('POST')
  }
})
