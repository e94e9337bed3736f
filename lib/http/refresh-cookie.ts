import type { IncomingMessage, ServerResponse } from 'node:http'
import { parseCookie, stringifySetCookie } from 'cookie'
import { config } from '@/lib/config'
import { AppError } from '@/lib/errors'
import { isAllowedOrigin } from './cors'

const NAME = 'hearth_refresh'

/**
 * Whether the client speaks to us over TLS, as far as one behind a proxy can know. A browser lets a page of an https
 * origin call nothing else, which settles it where no trusted proxy says so.
 */
function isSecure(req: IncomingMessage): boolean {
  const forwarded = config().trustProxy > 0 ? req.headers['x-forwarded-proto'] : undefined
  return forwarded === 'https' || req.headers.origin?.startsWith('https://') === true
}

/**
 * The attributes by RFC 6265bis. The single-page app lives on another origin, maybe on another site, where only
 * `SameSite=None` cookies travel, and those only with `Secure`. Over plain http, as between `localhost` ports in
 * development, browsers refuse `Secure`, and app and server are one site: there `Strict` does. In either case the
 * `Origin` check is what keeps other pages from using the cookie.
 */
function cookieHeader(req: IncomingMessage, value: string, maxAge: number): string {
  const reach = isSecure(req) ? ({ sameSite: 'none', secure: true } as const) : ({ sameSite: 'strict' } as const)
  return stringifySetCookie({ name: NAME, value, maxAge, path: '/api/auth', httpOnly: true, ...reach })
}

/** The `Set-Cookie` that gives the browser a refresh token to keep where no script reads it, until the session ends. */
export function refreshCookieHeader(
  req: IncomingMessage,
  { refreshToken, expiresAt }: { refreshToken: string; expiresAt: Date },
): string {
  return cookieHeader(req, refreshToken, Math.max(0, Math.floor((expiresAt.getTime() - Date.now()) / 1000)))
}

/** Makes the browser forget the refresh token. */
export function clearRefreshCookie(req: IncomingMessage, res: ServerResponse): void {
  res.setHeader('Set-Cookie', cookieHeader(req, '', 0))
}

function cookieOf(req: IncomingMessage): string | undefined {
  return parseCookie(req.headers.cookie ?? '')[NAME]
}

/** The refresh token of the cookie, where the page that sent it is of an allowed origin. */
export function refreshCookie(req: IncomingMessage): string | undefined {
  return isAllowedOrigin(req) ? cookieOf(req) : undefined
}

/** Why there is no refresh token: FORBIDDEN when the only one is a cookie from elsewhere, else UNAUTHORIZED. */
export function noRefreshToken(req: IncomingMessage): AppError {
  return cookieOf(req) === undefined
    ? new AppError('UNAUTHORIZED', { message: 'A refresh token is required.' })
    : new AppError('FORBIDDEN', { message: 'The cookie is for pages of the origins in CORS_ORIGINS alone.' })
}
