import { methodNotAllowed } from '@/lib/errors'
import { apiHandler } from '@/lib/http/api-handler'
import type { Context, Handler } from '@/lib/http/context'
import { preferredMediaType } from '@/lib/http/content-negotiation'
import { parseQuery } from '@/lib/http/parse'
import { sendStream } from '@/lib/http/send-stream'
import { exportProducts, EXCHANGE_FORMATS } from '@/lib/domains/products/import-export/export'
import { exportProductsQuery } from '@/lib/domains/products/schema'

export const config = { api: { bodyParser: false } }

const send: Handler<Context> = async (req, res, { wantsHeadOnly }) => {
  const filters = parseQuery(req, exportProductsQuery)
  const format = preferredMediaType(req, EXCHANGE_FORMATS)
  const extension = format === 'text/csv' ? 'csv' : 'ndjson'
  res.setHeader('Content-Type', `${format}; charset=utf-8`)
  res.setHeader('Content-Disposition', `attachment; filename="products.${extension}"`)
  res.appendHeader('Vary', 'Accept')
  if (wantsHeadOnly) res.end()
  else await sendStream(res, exportProducts(filters, format))
}

export default apiHandler((req, res, context) => {
  switch (req.method) {
    case 'GET':
      return send(req, res, context)
    default:
      throw methodNotAllowed('GET')
  }
})
