import { methodNotAllowed } from '@/lib/errors'
import { apiHandler } from '@/lib/http/api-handler'
import type { Context, Handler } from '@/lib/http/context'
import { sendJson } from '@/lib/http/respond'

export const config = { api: { bodyParser: false } }

const handler: Handler<Context> = (req, res) => {
  switch (req.method) {
    case 'GET':
      return sendJson(res, { status: 'ok' })
    default:
      throw methodNotAllowed('GET')
  }
}

// Probes all come from one address, and one that is told 429 has a healthy process restarted.
export default apiHandler(handler, { limited: false })
