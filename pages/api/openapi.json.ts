import { openApiRoute } from '@/lib/domains/system/openapi'
import { apiHandler } from '@/lib/http/api-handler'
import { sendResource } from '@/lib/http/etag'
import { openApiDocument } from '@/lib/openapi/document'

export const config = { api: { bodyParser: false } }

export default apiHandler(openApiRoute, (req, res) => sendResource(req, res, openApiDocument()))
