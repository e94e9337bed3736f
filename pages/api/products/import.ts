import { methodNotAllowed } from '@/lib/errors'
import { apiHandler } from '@/lib/http/api-handler'
import { requireMediaType } from '@/lib/http/content-negotiation'
import { parseQuery } from '@/lib/http/parse'
import { requireAuth, requireRole, requireScope } from '@/lib/http/require-auth'
import { sendJson } from '@/lib/http/respond'
import { EXCHANGE_FORMATS } from '@/lib/domains/products/import-export/export'
import { importProducts } from '@/lib/domains/products/import-export/import'
import { readRecords } from '@/lib/domains/products/import-export/import-parser'
import { importProductsQuery } from '@/lib/domains/products/schema'

export const config = { api: { bodyParser: false } }

const receive = requireAuth(
  requireScope(
    'products:write',
    requireRole('admin', async (req, res) => {
      parseQuery(req, importProductsQuery)
      const format = requireMediaType(req, EXCHANGE_FORMATS)
      sendJson(res, await importProducts(readRecords(req, format)))
    }),
  ),
)

export default apiHandler((req, res, context) => {
  switch (req.method) {
    case 'POST':
      return receive(req, res, context)
    default:
      throw methodNotAllowed('POST')
  }
})
