import { logoutRoute } from '@/lib/domains/auth/sessions/openapi'
import { refreshTokenBody } from '@/lib/domains/auth/sessions/schema'
import { logout } from '@/lib/domains/auth/sessions/service'
import { apiHandler } from '@/lib/http/api-handler'
import { parseBody } from '@/lib/http/parse'
import { clearRefreshCookie, noRefreshToken, refreshCookie } from '@/lib/http/refresh-cookie'
import { authIfValid } from '@/lib/http/require-auth'
import { sendNoContent } from '@/lib/http/respond'

export const config = { api: { bodyParser: false } }

export default apiHandler(
  logoutRoute,
  authIfValid(logoutRoute.access, async (req, res, { actor, ...client }) => {
    const body = await parseBody(req, refreshTokenBody)
    const cookie = refreshCookie(req)
    const refreshToken = body.refreshToken ?? cookie
    if (actor === undefined && refreshToken === undefined) throw noRefreshToken(req)
    await logout({ actor, refreshToken }, client)
    if (cookie !== undefined) clearRefreshCookie(req, res)
    sendNoContent(res)
  }),
)
