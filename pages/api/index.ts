import { methodNotAllowed } from '@/lib/errors'
import { apiHandler } from '@/lib/http/api-handler'
import { sendJson } from '@/lib/http/respond'
import { greeting } from '@/lib/domains/system/service'

export const config = { api: { bodyParser: false } }

export default apiHandler((req, res) => {
  switch (req.method) {
    case 'GET':
      return sendJson(res, greeting())
    default:
      throw methodNotAllowed('GET')
  }
})
