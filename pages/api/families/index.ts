import { methodNotAllowed } from '@/lib/errors'
import { createFamilyBody, listFamiliesQuery } from '@/lib/domains/families/schema'
import { createFamily, listMyFamilies } from '@/lib/domains/families/service'
import { apiHandler } from '@/lib/http/api-handler'
import type { AuthContext } from '@/lib/http/context'
import { created, idempotent } from '@/lib/http/with-idempotency'
import { parseBody, parseQuery } from '@/lib/http/parse'
import { requireAuth, requireScope } from '@/lib/http/require-auth'
import { sendList } from '@/lib/http/send-list'

export const config = { api: { bodyParser: false } }

const list = requireAuth(
  requireScope('families:read', async (req, res, { actor }) => {
    const query = parseQuery(req, listFamiliesQuery)
    sendList(req, res, { plural: 'families', request: query, list: await listMyFamilies(actor, query) })
  }),
)

const create = requireAuth(
  requireScope(
    'families:write',
    idempotent<AuthContext>(async (req, { actor }) =>
      created('/api/families', await createFamily(actor, await parseBody(req, createFamilyBody))),
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
