import { referenceRoute } from '@/lib/domains/system/openapi'
import { apiHandler } from '@/lib/http/api-handler'
import { sendBody } from '@/lib/http/compression'
import { REFERENCE_PAGE, REFERENCE_POLICY } from '@/lib/openapi/swagger-ui'

export const config = { api: { bodyParser: false } }

export default apiHandler(referenceRoute, (_req, res) => {
  res.setHeader('Content-Security-Policy', REFERENCE_POLICY)
  res.setHeader('Content-Type', 'text/html; charset=utf-8')
  res.setHeader('Cache-Control', 'no-cache')
  sendBody(res, Buffer.from(REFERENCE_PAGE))
})
