import { methodNotAllowed } from '@/lib/errors'
import { apiHandler } from '@/lib/http/api-handler'
import type { Context, Handler } from '@/lib/http/context'
import { referenceAsset } from '@/lib/openapi/swagger-ui'

export const config = { api: { bodyParser: false } }

const sendAsset: Handler<Context> = async (req, res) => {
  const { content, mediaType, etag } = await referenceAsset(String(req.query['asset']))
  res.setHeader('ETag', etag)
  res.setHeader('Cache-Control', 'public, max-age=3600')
  res.setHeader('Content-Type', mediaType)
  res.setHeader('Content-Length', content.length)
  res.end(content)
}

export default apiHandler((req, res, context) => {
  switch (req.method) {
    case 'GET':
      return sendAsset(req, res, context)
    default:
      throw methodNotAllowed('GET')
  }
})
