import { methodNotAllowed } from '@/lib/errors'
import { apiHandler } from '@/lib/http/api-handler'
import type { Context, Handler } from '@/lib/http/context'
import { preconditionOf, sendResource } from '@/lib/http/etag'
import { parseBody, parseQuery } from '@/lib/http/parse'
import { requireAuth, requireRole, requireScope } from '@/lib/http/require-auth'
import { sendNoContent } from '@/lib/http/respond'
import { sendCached } from '@/lib/http/send-cached'
import { productBody, productPath, updateProductBody } from '@/lib/domains/products/schema'
import { deleteProduct, getProduct, productGroups, updateProduct } from '@/lib/domains/products/service'

export const config = { api: { bodyParser: false } }

const show: Handler<Context> = (req, res) => {
  const { id } = parseQuery(req, productPath)
  return sendCached(req, res, { groups: productGroups(id), load: async () => ({ value: await getProduct(id) }) })
}

const replace = requireAuth(
  requireScope(
    'products:write',
    requireRole('admin', async (req, res) => {
      const { id } = parseQuery(req, productPath)
      sendResource(req, res, await updateProduct(id, await parseBody(req, productBody), preconditionOf(req)))
    }),
  ),
)

const change = requireAuth(
  requireScope(
    'products:write',
    requireRole('admin', async (req, res) => {
      const { id } = parseQuery(req, productPath)
      sendResource(req, res, await updateProduct(id, await parseBody(req, updateProductBody), preconditionOf(req)))
    }),
  ),
)

const remove = requireAuth(
  requireScope(
    'products:write',
    requireRole('admin', async (req, res) => {
      const { id } = parseQuery(req, productPath)
      await deleteProduct(id, preconditionOf(req))
      sendNoContent(res)
    }),
  ),
)

export default apiHandler((req, res, context) => {
  switch (req.method) {
    case 'GET':
      return show(req, res, context)
    case 'PUT':
      return replace(req, res, context)
    case 'PATCH':
      return change(req, res, context)
    case 'DELETE':
      return remove(req, res, context)
    default:
      throw methodNotAllowed('GET', 'PUT', 'PATCH', 'DELETE')
  }
})
