import { methodNotAllowed } from '@/lib/errors'
import { createLinkBody } from '@/lib/domains/files/schema'
import { createLink } from '@/lib/domains/files/service'
import { apiHandler } from '@/lib/http/api-handler'
import type { AuthContext } from '@/lib/http/context'
import { idempotent } from '@/lib/http/with-idempotency'
import { parseBody } from '@/lib/http/parse'
import { requireAuth, requireScope } from '@/lib/http/require-auth'

export const config = { api: { bodyParser: false } }

const create = requireAuth(
  requireScope(
    'files:write',
    idempotent<AuthContext>(async (req, { actor }) => {
      const link = await createLink(actor, await parseBody(req, createLinkBody))
      return { headers: { Location: link.url }, body: link }
    }),
  ),
)

export default apiHandler((req, res, context) => {
  switch (req.method) {
    case 'POST':
      return create(req, res, context)
    default:
      throw methodNotAllowed('POST')
  }
})
