import { methodNotAllowed } from '@/lib/errors'
import { apiHandler } from '@/lib/http/api-handler'
import type { Context, Handler } from '@/lib/http/context'
import { requireOperator } from '@/lib/http/require-metrics-token'
import { renderProcessMetrics } from '@/lib/domains/system/metrics'

export const config = { api: { bodyParser: false } }

const report = requireOperator(async (_req, res) => {
  const { contentType, text } = await renderProcessMetrics()
  res.setHeader('Content-Type', contentType)
  res.setHeader('Cache-Control', 'no-store')
  res.end(text)
})

const handler: Handler<Context> = (req, res, context) => {
  switch (req.method) {
    case 'GET':
      return report(req, res, context)
    default:
      throw methodNotAllowed('GET')
  }
}

// A scraper comes by at its own pace, and is wanted most when there is too much else.
export default apiHandler(handler, { limited: false })
