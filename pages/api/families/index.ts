import { familiesRoute } from '@/lib/domains/families/openapi'
import { createFamilyBody, listFamiliesQuery } from '@/lib/domains/families/schema'
import { createFamily, listMyFamilies } from '@/lib/domains/families/service'
import { apiHandler } from '@/lib/http/api-handler'
import type { AuthContext } from '@/lib/http/context'
import { parseBody, parseQuery } from '@/lib/http/parse'
import { requireAuth } from '@/lib/http/require-auth'
import { sendList } from '@/lib/http/send-list'
import { created, withIdempotency } from '@/lib/http/with-idempotency'

export const config = { api: { bodyParser: false } }

const create = withIdempotency<AuthContext>(async (req, { actor }) =>
  created('/api/families', await createFamily(actor, await parseBody(req, createFamilyBody))),
)

export default apiHandler(
  familiesRoute,
  requireAuth(familiesRoute.access, async (req, res, context) => {
    switch (req.method) {
      case 'GET': {
        const query = parseQuery(req, listFamiliesQuery)
        const list = await listMyFamilies(context.actor, query)
        return sendList(req, res, { plural: 'families', request: query, list })
      }
      case 'POST':
        return create(req, res, context)
    }
  }),
)
