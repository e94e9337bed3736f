import { healthRoute } from '@/lib/domains/system/openapi'
import { apiHandler } from '@/lib/http/api-handler'
import { sendJson } from '@/lib/http/respond'

export const config = { api: { bodyParser: false } }

export default apiHandler(healthRoute, (_req, res) => sendJson(res, { status: 'ok' }))
