import { memberRoute } from '@/lib/domains/families/openapi'
import { memberPath, updateMembershipBody } from '@/lib/domains/families/schema'
import { changeRole, removeMember } from '@/lib/domains/families/service'
import { apiHandler } from '@/lib/http/api-handler'
import { preconditionOf, sendResource } from '@/lib/http/etag'
import { parseBody, parseQuery } from '@/lib/http/parse'
import { requireAuth } from '@/lib/http/require-auth'
import { sendNoContent } from '@/lib/http/respond'

export const config = { api: { bodyParser: false } }

export default apiHandler(
  memberRoute,
  requireAuth(memberRoute.access, async (req, res, { actor, ...client }) => {
    const { id: familyId, userId } = parseQuery(req, memberPath)
    switch (req.method) {
      case 'PATCH': {
        const { role } = await parseBody(req, updateMembershipBody)
        const change = { role, precondition: preconditionOf(req) }
        return sendResource(req, res, await changeRole(actor, { familyId, userId }, change, client))
      }
      case 'DELETE':
        await removeMember(actor, { familyId, userId }, client, preconditionOf(req))
        return sendNoContent(res)
    }
  }),
)
