import { membersRoute } from '@/lib/domains/families/openapi'
import { listBelowFamilyQuery } from '@/lib/domains/families/schema'
import { listMembers } from '@/lib/domains/families/service'
import { apiHandler } from '@/lib/http/api-handler'
import { parseQuery } from '@/lib/http/parse'
import { requireAuth } from '@/lib/http/require-auth'
import { sendList } from '@/lib/http/send-list'

export const config = { api: { bodyParser: false } }

export default apiHandler(
  membersRoute,
  requireAuth(membersRoute.access, async (req, res, { actor }) => {
    const { id, ...request } = parseQuery(req, listBelowFamilyQuery)
    sendList(req, res, { plural: 'members', request, list: await listMembers(actor, id, request) })
  }),
)
