import { methodNotAllowed } from '@/lib/errors'
import { apiHandler } from '@/lib/http/api-handler'
import type { Context, Handler } from '@/lib/http/context'
import { parseBody } from '@/lib/http/parse'
import { noRefreshToken, refreshCookie } from '@/lib/http/refresh-cookie'
import { sendTokens } from '@/lib/http/send-token-response'
import { refreshTokenBody } from '@/lib/domains/auth/sessions/schema'
import { refreshTokens } from '@/lib/domains/auth/sessions/service'

export const config = { api: { bodyParser: false } }

const refresh: Handler<Context> = async (req, res, context) => {
  const body = await parseBody(req, refreshTokenBody)
  const refreshToken = body.refreshToken ?? refreshCookie(req)
  if (refreshToken === undefined) throw noRefreshToken(req)
  const tokens = await refreshTokens(refreshToken, context)
  sendTokens(req, res, { tokens, session: body.refreshToken === undefined ? 'cookie' : undefined })
}

export default apiHandler((req, res, context) => {
  switch (req.method) {
    case 'POST':
      return refresh(req, res, context)
    default:
      throw methodNotAllowed('POST')
  }
})
