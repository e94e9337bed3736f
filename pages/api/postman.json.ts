import { postmanRoute } from '@/lib/domains/system/openapi'
import { apiHandler } from '@/lib/http/api-handler'
import { sendResource } from '@/lib/http/etag'
import { postmanCollection } from '@/lib/openapi/postman'

export const config = { api: { bodyParser: false } }

export default apiHandler(postmanRoute, (req, res) => sendResource(req, res, postmanCollection()))
