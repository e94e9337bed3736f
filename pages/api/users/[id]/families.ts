import { familiesOfUserRoute } from '@/lib/domains/families/openapi'
import { listFamiliesOfUserQuery } from '@/lib/domains/families/schema'
import { listFamiliesOf } from '@/lib/domains/families/service'
import { apiHandler } from '@/lib/http/api-handler'
import { parseQuery } from '@/lib/http/parse'
import { requireAuth } from '@/lib/http/require-auth'
import { sendList } from '@/lib/http/send-list'

export const config = { api: { bodyParser: false } }

export default apiHandler(
  familiesOfUserRoute,
  requireAuth(familiesOfUserRoute.access, async (req, res, { actor }) => {
    const { id, ...request } = parseQuery(req, listFamiliesOfUserQuery)
    sendList(req, res, { plural: 'families', request, list: await listFamiliesOf(actor, id, request) })
  }),
)
