import { methodNotAllowed } from '@/lib/errors'
import { apiHandler } from '@/lib/http/api-handler'
import type { Context, Handler } from '@/lib/http/context'
import { sendJson } from '@/lib/http/respond'
import { readiness } from '@/lib/domains/system/service'

export const config = { api: { bodyParser: false } }

const report: Handler<Context> = async (_req, res) => {
  const state = await readiness()
  if (state.status !== 'ok') res.setHeader('Retry-After', '5')
  res.setHeader('Cache-Control', 'no-store')
  sendJson(res, state, state.status === 'ok' ? 200 : 503)
}

const handler: Handler<Context> = (req, res, context) => {
  switch (req.method) {
    case 'GET':
      return report(req, res, context)
    default:
      throw methodNotAllowed('GET')
  }
}

// Probes all come from one address, and one that is told 429 takes a working process out of service.
export default apiHandler(handler, { limited: false })
