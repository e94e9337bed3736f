import { acceptInvitationRoute } from '@/lib/domains/families/invitations/openapi'
import { acceptInvitationBody } from '@/lib/domains/families/invitations/schema'
import { acceptInvitation } from '@/lib/domains/families/invitations/service'
import { apiHandler } from '@/lib/http/api-handler'
import { parseBody } from '@/lib/http/parse'
import { requireAuth } from '@/lib/http/require-auth'
import { sendJson } from '@/lib/http/respond'

export const config = { api: { bodyParser: false } }

export default apiHandler(
  acceptInvitationRoute,
  requireAuth(acceptInvitationRoute.access, async (req, res, { actor, ...client }) => {
    const { token } = await parseBody(req, acceptInvitationBody)
    sendJson(res, { family: await acceptInvitation(actor, token, client) })
  }),
)
