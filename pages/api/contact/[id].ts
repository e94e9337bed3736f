import { contactMessageRoute } from '@/lib/domains/contact/openapi'
import { contactPath } from '@/lib/domains/contact/schema'
import { getContactMessage } from '@/lib/domains/contact/service'
import { apiHandler } from '@/lib/http/api-handler'
import { sendResource } from '@/lib/http/etag'
import { parseQuery } from '@/lib/http/parse'
import { requireAuth } from '@/lib/http/require-auth'

export const config = { api: { bodyParser: false } }

export default apiHandler(
  contactMessageRoute,
  requireAuth(contactMessageRoute.access, async (req, res) => {
    const { id } = parseQuery(req, contactPath)
    sendResource(req, res, await getContactMessage(id))
  }),
)
