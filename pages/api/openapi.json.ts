import { methodNotAllowed } from '@/lib/errors'
import { apiHandler } from '@/lib/http/api-handler'
import { sendResource } from '@/lib/http/etag'
import { openApiDocument } from '@/lib/openapi/document'

export const config = { api: { bodyParser: false } }

export default apiHandler((req, res) => {
  switch (req.method) {
    case 'GET':
      return sendResource(req, res, openApiDocument())
    default:
      throw methodNotAllowed('GET')
  }
})
