import { methodNotAllowed } from '@/lib/errors'
import { apiHandler } from '@/lib/http/api-handler'
import { preconditionOf } from '@/lib/http/etag'
import { parseQuery } from '@/lib/http/parse'
import { requireAuth, requireScope } from '@/lib/http/require-auth'
import { sendNoContent } from '@/lib/http/respond'
import { invitationPath } from '@/lib/domains/families/invitations/schema'
import { revokeInvitation } from '@/lib/domains/families/invitations/service'

export const config = { api: { bodyParser: false } }

const remove = requireAuth(
  requireScope('families:write', async (req, res, { actor }) => {
    const { id, invitationId } = parseQuery(req, invitationPath)
    await revokeInvitation(actor, { familyId: id, id: invitationId }, preconditionOf(req))
    sendNoContent(res)
  }),
)

export default apiHandler((req, res, context) => {
  switch (req.method) {
    case 'DELETE':
      return remove(req, res, context)
    default:
      throw methodNotAllowed('DELETE')
  }
})
