import { referenceAssetRoute, referencePath } from '@/lib/domains/system/openapi'
import { apiHandler } from '@/lib/http/api-handler'
import { sendBody } from '@/lib/http/compression'
import { parseQuery } from '@/lib/http/parse'
import { referenceAsset } from '@/lib/openapi/swagger-ui'

export const config = { api: { bodyParser: false } }

export default apiHandler(referenceAssetRoute, async (req, res) => {
  const { content, mediaType, etag } = await referenceAsset(parseQuery(req, referencePath).asset)
  res.setHeader('ETag', etag)
  res.setHeader('Cache-Control', 'public, max-age=3600')
  res.setHeader('Content-Type', mediaType)
  sendBody(res, content)
})
