import { productsRoute } from '@/lib/domains/products/openapi'
import { listProductsQuery, productBody } from '@/lib/domains/products/schema'
import { createProduct, listProducts, productListTags } from '@/lib/domains/products/service'
import { apiHandler } from '@/lib/http/api-handler'
import type { Context, Handler } from '@/lib/http/context'
import { parseBody, parseQuery } from '@/lib/http/parse'
import { requireAuth } from '@/lib/http/require-auth'
import { sendCached } from '@/lib/http/send-cached'
import { listResponse } from '@/lib/http/send-list'
import { created, withIdempotency } from '@/lib/http/with-idempotency'

export const config = { api: { bodyParser: false } }

const handleGet: Handler<Context> = (req, res) =>
  sendCached(req, res, {
    tags: productListTags,
    load: async () => {
      const query = parseQuery(req, listProductsQuery)
      return listResponse(req, { plural: 'products', request: query, list: await listProducts(query) })
    },
  })

const handlePost = requireAuth(
  productsRoute.POST.access,
  withIdempotency(async (req, { actor }) =>
    created('/api/products', await createProduct(await parseBody(req, productBody), actor.userId)),
  ),
)

export default apiHandler(productsRoute, (req, res, context) => {
  switch (req.method) {
    case 'GET':
      return handleGet(req, res, context)
    case 'POST':
      return handlePost(req, res, context)
  }
})
