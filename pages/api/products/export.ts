import { exportProducts } from '@/lib/domains/products/import-export/service'
import { exportProductsRoute } from '@/lib/domains/products/openapi'
import { exportProductsQuery, PRODUCT_MEDIA_TYPES } from '@/lib/domains/products/schema'
import { apiHandler } from '@/lib/http/api-handler'
import { preferredMediaType } from '@/lib/http/content-negotiation'
import { parseQuery } from '@/lib/http/parse'
import { sendStream } from '@/lib/http/send-stream'
import { addVary } from '@/lib/http/vary'

export const config = { api: { bodyParser: false } }

export default apiHandler(exportProductsRoute, async (req, res, { wantsHeadOnly }) => {
  const filters = parseQuery(req, exportProductsQuery)
  const mediaType = preferredMediaType(req, PRODUCT_MEDIA_TYPES)
  const extension = mediaType === 'text/csv' ? 'csv' : 'ndjson'
  res.setHeader('Content-Type', `${mediaType}; charset=utf-8`)
  res.setHeader('Content-Disposition', `attachment; filename="products.${extension}"`)
  addVary(res, 'Accept')
  await sendStream(res, exportProducts(filters, mediaType), { wantsHeadOnly })
})
