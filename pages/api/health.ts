import { methodNotAllowed } from '@/lib/errors'
import { apiHandler } from '@/lib/http/api-handler'
import { sendJson } from '@/lib/http/respond'

export const config = { api: { bodyParser: false } }

export default apiHandler((req, res) => {
  switch (req.method) {
    case 'GET':
      return sendJson(res, { status: 'ok' })
    default:
      throw methodNotAllowed('GET')
  }
})
