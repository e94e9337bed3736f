import type { IncomingMessage, ServerResponse } from 'node:http'
import { LRUCache } from 'lru-cache'
import { config } from '@/lib/config'
import { logger } from '@/lib/logger'
import { processSingleton } from '@/lib/process-singleton'

const METHODS = 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS'
const REQUEST_HEADERS = [
  ...['Accept', 'Accept-Language', 'Authorization', 'Content-Language', 'Content-Type', 'Cache-Control', 'Pragma'],
  ...['If-Match', 'If-None-Match', 'If-Modified-Since', 'If-Unmodified-Since', 'If-Range', 'Range'],
  ...['Idempotency-Key', 'Last-Event-ID', 'Prefer', 'X-Request-Id', 'X-Requested-With'],
  // Added by the monitoring scripts of pages: W3C Trace Context and Baggage, Sentry, Datadog.
  ...['traceparent', 'tracestate', 'baggage', 'sentry-trace'],
  ...['x-datadog-origin', 'x-datadog-parent-id', 'x-datadog-sampling-priority', 'x-datadog-tags', 'x-datadog-trace-id'],
]
/** Names that Datadog may add later; `*` does not work in responses that allow credentials. */
const DATADOG_HEADER = /^x-datadog-[a-z0-9-]{1,40}$/
const EXPOSED_HEADERS = [
  ...['X-Request-Id', 'ETag', 'Link', 'Location', 'Retry-After', 'Preference-Applied'],
  ...['RateLimit', 'RateLimit-Policy', 'RateLimit-Limit', 'RateLimit-Remaining', 'RateLimit-Reset'],
  ...['Idempotency-Replayed', 'Deprecation', 'Sunset', 'WWW-Authenticate'],
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

/** Returns the request headers to allow: the known ones, and those of Datadog that the preflight names. */
function allowedRequestHeaders(req: IncomingMessage): string {
  const requested = req.headers['access-control-request-headers']?.split(',').map((name) => name.trim().toLowerCase())
  const datadog = (requested ?? []).filter((name) => DATADOG_HEADER.test(name) && !REQUEST_HEADERS.includes(name))
  return [...REQUEST_HEADERS, ...new Set(datadog)].join(', ')
}

const LOGGED_ORIGINS_MAX = 100
const ORIGIN_LOGGED_CHARACTERS_MAX = 200

const loggedOrigins = processSingleton('refused-origins', () => new LRUCache<string, true>({ max: LOGGED_ORIGINS_MAX }))

/** Logs the first request of each origin that is not allowed: the page only learns that the request failed. */
function logRefusedOrigin(req: IncomingMessage, origin: string): void {
  const isSameOrigin = origin.replace(/^https?:\/\//, '') === req.headers.host
  if (isSameOrigin || loggedOrigins().has(origin)) return
  loggedOrigins().set(origin, true)
  logger().info({ origin: origin.slice(0, ORIGIN_LOGGED_CHARACTERS_MAX) }, 'origin refused: it is not in CORS_ORIGINS')
}

/** Allows pages of the origins in `CORS_ORIGINS` to read the response, with credentials (Fetch standard, CORS protocol). */
export function applyCors(req: IncomingMessage, res: ServerResponse): void {
  const preflight = isPreflight(req)
  res.setHeader('Vary', preflight ? 'Origin, Access-Control-Request-Headers' : 'Origin')
  const { origin } = req.headers
  if (origin === undefined) return
  if (!isAllowedOrigin(req)) {
    logRefusedOrigin(req, origin)
    return
  }
  res.setHeader('Access-Control-Allow-Origin', origin)
  res.setHeader('Access-Control-Allow-Credentials', 'true')
  if (preflight) {
    res.setHeader('Access-Control-Allow-Methods', METHODS)
    res.setHeader('Access-Control-Allow-Headers', allowedRequestHeaders(req))
    res.setHeader('Access-Control-Max-Age', String(PREFLIGHT_MAX_AGE_SECONDS))
  } else {
    res.setHeader('Access-Control-Expose-Headers', EXPOSED_HEADERS)
  }
}
