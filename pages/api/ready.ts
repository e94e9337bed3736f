import { readinessRoute } from '@/lib/domains/system/openapi'
import { readiness } from '@/lib/domains/system/service'
import { apiHandler } from '@/lib/http/api-handler'
import { sendJson } from '@/lib/http/respond'

export const config = { api: { bodyParser: false } }

export default apiHandler(readinessRoute, async (_req, res) => {
  const state = await readiness()
  if (state.status !== 'ok') res.setHeader('Retry-After', '5')
  res.setHeader('Cache-Control', 'no-store')
  sendJson(res, state, state.status === 'ok' ? 200 : 503)
})
