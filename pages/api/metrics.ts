import { metricsRoute } from '@/lib/domains/system/openapi'
import { renderServerMetrics } from '@/lib/domains/system/service'
import { apiHandler } from '@/lib/http/api-handler'
import { requireMetricsToken } from '@/lib/http/require-secret'

export const config = { api: { bodyParser: false } }

export default apiHandler(
  metricsRoute,
  requireMetricsToken(async (_req, res) => {
    const { contentType, text } = await renderServerMetrics()
    res.setHeader('Content-Type', contentType)
    res.setHeader('Cache-Control', 'no-store')
    res.end(text)
  }),
)
