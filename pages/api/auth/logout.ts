import { methodNotAllowed } from '@/lib/errors'
import { apiHandler } from '@/lib/http/api-handler'
import { parseBody } from '@/lib/http/parse'
import { clearRefreshCookie, noRefreshToken, refreshCookie } from '@/lib/http/refresh-cookie'
import { authIfValid } from '@/lib/http/require-auth'
import { sendNoContent } from '@/lib/http/respond'
import { refreshTokenBody } from '@/lib/domains/auth/sessions/schema'
import { logout } from '@/lib/domains/auth/sessions/service'

export const config = { api: { bodyParser: false } }

const signOut = authIfValid(async (req, res, { actor, ...origin }) => {
  const body = await parseBody(req, refreshTokenBody)
  const cookie = refreshCookie(req)
  const refreshToken = body.refreshToken ?? cookie
  if (actor === undefined && refreshToken === undefined) throw noRefreshToken(req)
  await logout({ actor, refreshToken }, origin)
  if (cookie !== undefined) clearRefreshCookie(req, res)
  sendNoContent(res)
})

export default apiHandler((req, res, context) => {
  switch (req.method) {
    case 'POST':
      return signOut(req, res, context)
    default:
      throw methodNotAllowed('POST')
  }
})
