import type { IncomingMessage, ServerResponse } from 'node:http'
import { config } from '@/lib/config'

const METHODS = 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS'
const REQUEST_HEADERS = 'Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, Range, X-Request-Id'
const EXPOSED_HEADERS = [
  ...['X-Request-Id', 'ETag', 'Link', 'Location', 'Retry-After'],
  ...['RateLimit-Limit', 'RateLimit-Remaining', 'RateLimit-Reset', 'Idempotency-Replayed'],
  ...['X-Cache', 'X-Contact-Processed', 'Content-Disposition', 'Content-Range', 'Accept-Ranges'],
].join(', ')
const PREFLIGHT_MAX_AGE_SECONDS = 600

/** Returns whether `Origin` is one of `CORS_ORIGINS`. */
export function isAllowedOrigin(req: IncomingMessage): boolean {
  const { origin } = req.headers
  return origin !== undefined && config().corsOrigins.includes(origin)
}

/** Returns whether the request is a preflight, as the Fetch standard defines it. */
export function isPreflight(req: IncomingMessage): boolean {
  return (
    req.method === 'OPTIONS' &&
    req.headers.origin !== undefined &&
    req.headers['access-control-request-method'] !== undefined
  )
}

/** Allows pages of the origins in `CORS_ORIGINS` to read the response, with credentials (Fetch standard, CORS protocol). */
export function applyCors(req: IncomingMessage, res: ServerResponse): void {
  res.setHeader('Vary', 'Origin')
  const { origin } = req.headers
  if (origin === undefined || !isAllowedOrigin(req)) return
  res.setHeader('Access-Control-Allow-Origin', origin)
  res.setHeader('Access-Control-Allow-Credentials', 'true')
  if (isPreflight(req)) {
    res.setHeader('Access-Control-Allow-Methods', METHODS)
    res.setHeader('Access-Control-Allow-Headers', REQUEST_HEADERS)
    res.setHeader('Access-Control-Max-Age', String(PREFLIGHT_MAX_AGE_SECONDS))
  } else {
    res.setHeader('Access-Control-Expose-Headers', EXPOSED_HEADERS)
  }
}
