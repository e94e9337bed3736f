import { invitationsRoute } from '@/lib/domains/families/invitations/openapi'
import { createInvitationBody } from '@/lib/domains/families/invitations/schema'
import { invite, listInvitations } from '@/lib/domains/families/invitations/service'
import { familyPath, listBelowFamilyQuery } from '@/lib/domains/families/schema'
import { apiHandler } from '@/lib/http/api-handler'
import type { AuthContext } from '@/lib/http/context'
import { parseBody, parseQuery } from '@/lib/http/parse'
import { withStrictRateLimit } from '@/lib/http/rate-limit'
import { requireAuth } from '@/lib/http/require-auth'
import { sendList } from '@/lib/http/send-list'
import { created, withIdempotency } from '@/lib/http/with-idempotency'

export const config = { api: { bodyParser: false } }

const create = withStrictRateLimit(
  'invitation',
  withIdempotency<AuthContext>(async (req, { actor, ...client }) => {
    const { id } = parseQuery(req, familyPath)
    const invitation = await invite(actor, id, await parseBody(req, createInvitationBody), client)
    return created(`/api/families/${id}/invitations`, invitation)
  }),
)

export default apiHandler(
  invitationsRoute,
  requireAuth(invitationsRoute.access, async (req, res, context) => {
    switch (req.method) {
      case 'GET': {
        const { id, ...request } = parseQuery(req, listBelowFamilyQuery)
        const list = await listInvitations(context.actor, id, request)
        return sendList(req, res, { plural: 'invitations', request, list })
      }
      case 'POST':
        return create(req, res, context)
    }
  }),
)
