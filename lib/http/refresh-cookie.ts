import type { IncomingMessage, ServerResponse } from 'node:http'
import { parseCookie, stringifySetCookie } from 'cookie'
import { config } from '@/lib/config'
import { AppError } from '@/lib/errors'
import { isAllowedOrigin } from './cors'

const NAME = 'hearth_refresh'

/** Browsers accept this prefix only with `Secure` and only over TLS (RFC 6265bis, section 4.1.3.1). */
const SECURE_NAME = `__Secure-${NAME}`

/**
 * Returns whether the client uses TLS, by a trusted proxy's `X-Forwarded-Proto` or an https `Origin`: browsers do not let
 * pages of an https origin call plain http.
 */
function isSecure(req: IncomingMessage): boolean {
  const forwarded = config().trustProxy > 0 ? req.headers['x-forwarded-proto'] : undefined
  return forwarded === 'https' || req.headers.origin?.startsWith('https://') === true
}

function nameFor(req: IncomingMessage): string {
  return isSecure(req) ? SECURE_NAME : NAME
}

/**
 * Serialises the cookie (RFC 6265bis). The single-page app may be on another site, to which browsers only send
 * `SameSite=None` cookies, which require `Secure`. Over plain http, as between `localhost` ports in development, browsers
 * reject `Secure`, and app and server are the same site, so `Strict` works. In both cases the `Origin` check prevents
 * other pages from using the cookie.
 */
function cookieHeader(req: IncomingMessage, value: string, maxAge: number): string {
  const attributes = isSecure(req) ? ({ sameSite: 'none', secure: true } as const) : ({ sameSite: 'strict' } as const)
  return stringifySetCookie({ name: nameFor(req), value, maxAge, path: '/api/auth', httpOnly: true, ...attributes })
}

/** Returns the `Set-Cookie` that stores a refresh token, inaccessible to scripts, until the session expires. */
export function refreshCookieHeader(
  req: IncomingMessage,
  { refreshToken, expiresAt }: { refreshToken: string; expiresAt: Date },
): string {
  return cookieHeader(req, refreshToken, Math.max(0, Math.floor((expiresAt.getTime() - Date.now()) / 1000)))
}

/** Deletes the refresh cookie. */
export function clearRefreshCookie(req: IncomingMessage, res: ServerResponse): void {
  res.setHeader('Set-Cookie', cookieHeader(req, '', 0))
}

/**
 * Returns the refresh token of the cookie if the request comes from an allowed origin. Over TLS only the cookie with the
 * prefix counts: a page of another subdomain, or of plain http, can set the other one.
 */
export function refreshCookie(req: IncomingMessage): string | undefined {
  return isAllowedOrigin(req) ? parseCookie(req.headers.cookie ?? '')[nameFor(req)] : undefined
}

/** Creates the error for a missing refresh token: FORBIDDEN if the cookie came from a disallowed origin, otherwise UNAUTHORIZED. */
export function noRefreshToken(req: IncomingMessage): AppError {
  const cookies = parseCookie(req.headers.cookie ?? '')
  return isAllowedOrigin(req) || (cookies[SECURE_NAME] ?? cookies[NAME]) === undefined
    ? new AppError('UNAUTHORIZED', { message: 'A refresh token is required.' })
    : new AppError('FORBIDDEN', { message: 'The refresh cookie may only be used from an allowed origin.' })
}
