import { invitationRoute } from '@/lib/domains/families/invitations/openapi'
import { invitationPath } from '@/lib/domains/families/invitations/schema'
import { getInvitation, revokeInvitation } from '@/lib/domains/families/invitations/service'
import { apiHandler } from '@/lib/http/api-handler'
import { preconditionOf, sendResource } from '@/lib/http/etag'
import { parseQuery } from '@/lib/http/parse'
import { requireAuth } from '@/lib/http/require-auth'
import { sendNoContent } from '@/lib/http/respond'

export const config = { api: { bodyParser: false } }

export default apiHandler(
  invitationRoute,
  requireAuth(invitationRoute.access, async (req, res, { actor, ...client }) => {
    const { id: familyId, invitationId: id } = parseQuery(req, invitationPath)
    switch (req.method) {
      case 'GET':
        return sendResource(req, res, await getInvitation(actor, { familyId, id }))
      case 'DELETE':
        await revokeInvitation(actor, { familyId, id }, client, preconditionOf(req))
        return sendNoContent(res)
    }
  }),
)
