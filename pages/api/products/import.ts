import { EXCHANGE_FORMATS } from '@/lib/domains/products/import-export/export'
import { importProducts } from '@/lib/domains/products/import-export/import'
import { readRecords } from '@/lib/domains/products/import-export/import-parser'
import { importProductsRoute } from '@/lib/domains/products/openapi'
import { importProductsQuery } from '@/lib/domains/products/schema'
import { apiHandler } from '@/lib/http/api-handler'
import { requireMediaType } from '@/lib/http/content-negotiation'
import { parseQuery } from '@/lib/http/parse'
import { requireAuth } from '@/lib/http/require-auth'
import { sendJson } from '@/lib/http/respond'

export const config = { api: { bodyParser: false } }

export default apiHandler(
  importProductsRoute,
  requireAuth(importProductsRoute.access, async (req, res) => {
    parseQuery(req, importProductsQuery)
    const format = requireMediaType(req, EXCHANGE_FORMATS)
    sendJson(res, await importProducts(readRecords(req, format)))
  }),
)
