import { methodNotAllowed } from '@/lib/errors'
import { apiHandler } from '@/lib/http/api-handler'
import type { Context, Handler } from '@/lib/http/context'
import { REFERENCE_PAGE, REFERENCE_POLICY } from '@/lib/openapi/swagger-ui'

export const config = { api: { bodyParser: false } }

const showPage: Handler<Context> = (_req, res) => {
  res.setHeader('Content-Security-Policy', REFERENCE_POLICY)
  res.setHeader('Content-Type', 'text/html; charset=utf-8')
  res.setHeader('Cache-Control', 'no-cache')
  res.end(REFERENCE_PAGE)
}

export default apiHandler((req, res, context) => {
  switch (req.method) {
    case 'GET':
      return showPage(req, res, context)
    default:
      throw methodNotAllowed('GET')
  }
})
