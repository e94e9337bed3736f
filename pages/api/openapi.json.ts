import { methodNotAllowed } from '@/lib/errors'
import { apiHandler } from '@/lib/http/api-handler'
import { sendOne } from '@/lib/http/conditional'
import { openApiDocument } from '@/lib/openapi/document'

export const config = { api: { bodyParser: false } }

export default apiHandler((req, res) => {
  switch (req.method) {
    case 'GET':
      return sendOne(req, res, openApiDocument())
    default:
      throw methodNotAllowed('GET')
  }
})
