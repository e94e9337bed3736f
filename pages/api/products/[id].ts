import { productRoute } from '@/lib/domains/products/openapi'
import { productBody, productPath, updateProductBody } from '@/lib/domains/products/schema'
import { deleteProduct, getProduct, productTags, updateProduct } from '@/lib/domains/products/service'
import { apiHandler } from '@/lib/http/api-handler'
import type { Context, Handler } from '@/lib/http/context'
import { preconditionOf, sendResource } from '@/lib/http/etag'
import { parseBody, parseQuery } from '@/lib/http/parse'
import { requireAuth } from '@/lib/http/require-auth'
import { sendNoContent } from '@/lib/http/respond'
import { sendCached } from '@/lib/http/send-cached'

export const config = { api: { bodyParser: false } }

const handleGet: Handler<Context> = (req, res) => {
  const { id } = parseQuery(req, productPath)
  return sendCached(req, res, { tags: productTags(id), load: async () => ({ value: await getProduct(id) }) })
}

const handleChange = requireAuth(productRoute.PATCH.access, async (req, res, { actor }) => {
  const { id } = parseQuery(req, productPath)
  const changes = await parseBody(req, req.method === 'PUT' ? productBody : updateProductBody)
  sendResource(req, res, await updateProduct(id, changes, actor.userId, preconditionOf(req)))
})

const handleDelete = requireAuth(productRoute.DELETE.access, async (req, res, { actor }) => {
  const { id } = parseQuery(req, productPath)
  await deleteProduct(id, actor.userId, preconditionOf(req))
  sendNoContent(res)
})

export default apiHandler(productRoute, (req, res, context) => {
  switch (req.method) {
    case 'GET':
      return handleGet(req, res, context)
    case 'PUT':
    case 'PATCH':
      return handleChange(req, res, context)
    case 'DELETE':
      return handleDelete(req, res, context)
  }
})
