import { greetingRoute } from '@/lib/domains/system/openapi'
import { greeting } from '@/lib/domains/system/service'
import { apiHandler } from '@/lib/http/api-handler'
import { sendJson } from '@/lib/http/respond'

export const config = { api: { bodyParser: false } }

export default apiHandler(greetingRoute, (_req, res) => sendJson(res, greeting()))
