import { refreshRoute } from '@/lib/domains/auth/sessions/openapi'
import { refreshTokenBody } from '@/lib/domains/auth/sessions/schema'
import { refreshTokens } from '@/lib/domains/auth/sessions/service'
import { apiHandler } from '@/lib/http/api-handler'
import { parseBody } from '@/lib/http/parse'
import { noRefreshToken, refreshCookie } from '@/lib/http/refresh-cookie'
import { sendTokens } from '@/lib/http/send-token-response'

export const config = { api: { bodyParser: false } }

export default apiHandler(refreshRoute, async (req, res, context) => {
  const body = await parseBody(req, refreshTokenBody)
  const refreshToken = body.refreshToken ?? refreshCookie(req)
  if (refreshToken === undefined) throw noRefreshToken(req)
  const tokens = await refreshTokens(refreshToken, context)
  sendTokens(req, res, { tokens, session: body.refreshToken === undefined ? 'cookie' : undefined })
})
