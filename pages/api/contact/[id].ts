import { contactPath } from '@/lib/domains/contact/schema'
import { getContactMessage } from '@/lib/domains/contact/service'
import { methodNotAllowed } from '@/lib/errors'
import { apiHandler } from '@/lib/http/api-handler'
import { parseQuery } from '@/lib/http/parse'
import { requireAuth, requireRole, requireScope } from '@/lib/http/require-auth'
import { sendResource } from '@/lib/http/etag'

export const config = { api: { bodyParser: false } }

const show = requireAuth(
  requireScope(
    'contact:read',
    requireRole('admin', async (req, res) => {
      const { id } = parseQuery(req, contactPath)
      sendResource(req, res, await getContactMessage(id))
    }),
  ),
)

export default apiHandler((req, res, context) => {
  switch (req.method) {
    case 'GET':
      return show(req, res, context)
    default:
      throw methodNotAllowed('GET')
  }
})
