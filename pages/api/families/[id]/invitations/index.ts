import { methodNotAllowed } from '@/lib/errors'
import { familyPath, listBelowFamilyQuery } from '@/lib/domains/families/schema'
import { apiHandler } from '@/lib/http/api-handler'
import type { AuthContext } from '@/lib/http/context'
import { created, idempotent } from '@/lib/http/with-idempotency'
import { parseBody, parseQuery } from '@/lib/http/parse'
import { withStrictRateLimit } from '@/lib/http/rate-limit'
import { requireAuth, requireScope } from '@/lib/http/require-auth'
import { sendList } from '@/lib/http/send-list'
import { createInvitationBody } from '@/lib/domains/families/invitations/schema'
import { invite, listInvitations } from '@/lib/domains/families/invitations/service'

export const config = { api: { bodyParser: false } }

const list = requireAuth(
  requireScope('families:read', async (req, res, { actor }) => {
    const { id, ...request } = parseQuery(req, listBelowFamilyQuery)
    sendList(req, res, { plural: 'invitations', request, list: await listInvitations(actor, id, request) })
  }),
)

const create = requireAuth(
  requireScope(
    'families:write',
    withStrictRateLimit(
      'invitation',
      idempotent<AuthContext>(async (req, { actor }) => {
        const { id } = parseQuery(req, familyPath)
        const invitation = await invite(actor, id, await parseBody(req, createInvitationBody))
        return created(`/api/families/${id}/invitations`, invitation)
      }),
    ),
  ),
)

export default apiHandler((req, res, context) => {
  switch (req.method) {
    case 'GET':
      return list(req, res, context)
    case 'POST':
      return create(req, res, context)
    default:
      throw methodNotAllowed('GET', 'POST')
  }
})
