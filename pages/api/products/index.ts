import { methodNotAllowed } from '@/lib/errors'
import { apiHandler } from '@/lib/http/api-handler'
import type { AuthContext, Context, Handler } from '@/lib/http/context'
import { created, idempotent } from '@/lib/http/with-idempotency'
import { parseBody, parseQuery } from '@/lib/http/parse'
import { requireAuth, requireRole, requireScope } from '@/lib/http/require-auth'
import { sendCached } from '@/lib/http/send-cached'
import { listResponse } from '@/lib/http/send-list'
import { listProductsQuery, productBody } from '@/lib/domains/products/schema'
import { createProduct, listGroups, listProducts } from '@/lib/domains/products/service'

export const config = { api: { bodyParser: false } }

const list: Handler<Context> = (req, res) =>
  sendCached(req, res, {
    groups: listGroups,
    load: async () => {
      const query = parseQuery(req, listProductsQuery)
      return listResponse(req, { plural: 'products', request: query, list: await listProducts(query) })
    },
  })

const create = requireAuth(
  requireScope(
    'products:write',
    requireRole(
      'admin',
      idempotent<AuthContext>(async (req) =>
        created('/api/products', await createProduct(await parseBody(req, productBody))),
      ),
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
