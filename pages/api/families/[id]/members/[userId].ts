import { methodNotAllowed } from '@/lib/errors'
import { memberPath, updateMembershipBody } from '@/lib/domains/families/schema'
import { changeRole, removeMember } from '@/lib/domains/families/service'
import { apiHandler } from '@/lib/http/api-handler'
import { preconditionOf, sendResource } from '@/lib/http/etag'
import { parseBody, parseQuery } from '@/lib/http/parse'
import { requireAuth, requireScope } from '@/lib/http/require-auth'
import { sendNoContent } from '@/lib/http/respond'

export const config = { api: { bodyParser: false } }

const change = requireAuth(
  requireScope('families:write', async (req, res, { actor }) => {
    const { id, userId } = parseQuery(req, memberPath)
    const { role } = await parseBody(req, updateMembershipBody)
    sendResource(req, res, await changeRole(actor, { familyId: id, userId }, role, preconditionOf(req)))
  }),
)

const remove = requireAuth(
  requireScope('families:write', async (req, res, { actor }) => {
    const { id, userId } = parseQuery(req, memberPath)
    await removeMember(actor, { familyId: id, userId }, preconditionOf(req))
    sendNoContent(res)
  }),
)

export default apiHandler((req, res, context) => {
  switch (req.method) {
    case 'PATCH':
      return change(req, res, context)
    case 'DELETE':
      return remove(req, res, context)
    default:
      throw methodNotAllowed('PATCH', 'DELETE')
  }
})
