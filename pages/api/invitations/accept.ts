import { methodNotAllowed } from '@/lib/errors'
import { apiHandler } from '@/lib/http/api-handler'
import { parseBody } from '@/lib/http/parse'
import { requireAuth, requireScope } from '@/lib/http/require-auth'
import { sendJson } from '@/lib/http/respond'
import { acceptInvitationBody } from '@/lib/domains/families/invitations/schema'
import { acceptInvitation } from '@/lib/domains/families/invitations/service'

export const config = { api: { bodyParser: false } }

const accept = requireAuth(
  requireScope('families:write', async (req, res, { actor }) => {
    const { token } = await parseBody(req, acceptInvitationBody)
    sendJson(res, { family: await acceptInvitation(actor, token) })
  }),
)

export default apiHandler((req, res, context) => {
  switch (req.method) {
    case 'POST':
      return accept(req, res, context)
    default:
      throw methodNotAllowed('POST')
  }
})
