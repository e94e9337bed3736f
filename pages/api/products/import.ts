import { importProducts } from '@/lib/domains/products/import-export/service'
import { importProductsRoute } from '@/lib/domains/products/openapi'
import { importProductsQuery, PRODUCT_MEDIA_TYPES } from '@/lib/domains/products/schema'
import { apiHandler } from '@/lib/http/api-handler'
import { requireMediaType } from '@/lib/http/content-negotiation'
import { parseQuery } from '@/lib/http/parse'
import { requireAuth } from '@/lib/http/require-auth'
import { sendJson } from '@/lib/http/respond'

export const config = { api: { bodyParser: false } }

export default apiHandler(
  importProductsRoute,
  requireAuth(importProductsRoute.access, async (req, res, { actor, ...client }) => {
    parseQuery(req, importProductsQuery)
    const mediaType = requireMediaType(req, PRODUCT_MEDIA_TYPES)
    sendJson(res, await importProducts(actor, { source: req, mediaType }, client))
  }),
)
