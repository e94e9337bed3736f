import { helloRoute } from '@/lib/domains/system/openapi'
import { apiHandler } from '@/lib/http/api-handler'
import { sendJson } from '@/lib/http/respond'

export const config = { api: { bodyParser: false } }

export default apiHandler(helloRoute, (_req, res) => sendJson(res, { message: 'Hello from Hearth' }))
