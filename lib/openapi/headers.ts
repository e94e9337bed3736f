import { honoursDryRun, type Operation } from '@/lib/platform/operation'
import type { JsonSchema } from './json-schema'

const text = { type: 'string' }
const seconds = { type: 'integer', minimum: 0 }

/** Response headers that several operations share. */
export const RESPONSE_HEADERS = {
  'X-Request-Id': {
    description: 'Request ID, also written to the logs. Echoes the request header if present.',
    required: true,
    schema: { type: 'string', pattern: '^[A-Za-z0-9._-]{1,64}$' },
  },
  RateLimit: {
    description: 'Structured field: for each limit, the requests left (`r`) and the seconds until its reset (`t`).',
    schema: { type: 'string', examples: ['"default";r=50;t=30'] },
  },
  'RateLimit-Policy': {
    description: 'Structured field: for each limit, the requests (`q`) per window of `w` seconds.',
    schema: { type: 'string', examples: ['"default";q=100;w=60'] },
  },
  'RateLimit-Limit': { description: 'Requests allowed per window.', schema: seconds },
  'RateLimit-Remaining': { description: 'Requests left in the window.', schema: seconds },
  'RateLimit-Reset': { description: 'Seconds until the next window.', schema: seconds },
  'Retry-After': { description: 'Seconds to wait before retrying.', schema: seconds },
  'WWW-Authenticate': { description: 'The required authentication scheme.', schema: text },
  ETag: { description: 'The version of the representation (RFC 9110, section 8.8.3).', schema: text },
  Link: { description: 'Other pages of the list: `first`, `prev`, `next`, `last` (RFC 8288).', schema: text },
  'Content-Encoding': {
    description: 'The coding of a body above 1 KiB, by `Accept-Encoding`; none for responses with tokens or secrets.',
    schema: { type: 'string', enum: ['br', 'zstd', 'gzip'] },
  },
  Location: { description: 'The URL of the created resource.', schema: text },
  'Idempotency-Replayed': {
    description: '`true` if this is the stored response of an earlier request with the same `Idempotency-Key`.',
    schema: { type: 'string', const: 'true' },
  },
  'Preference-Applied': {
    description: 'Sent if `Prefer: dry-run` was honoured.',
    schema: { type: 'string', const: 'dry-run' },
  },
  'Set-Cookie': { description: 'The refresh token, if it was requested as a cookie.', schema: text },
} as const

export type ResponseHeader = keyof typeof RESPONSE_HEADERS

/** Request headers that several operations honour. */
export const REQUEST_HEADERS = {
  'X-Request-Id': {
    description: 'Request ID; generated if absent.',
    schema: { type: 'string', pattern: '^[A-Za-z0-9._-]{1,64}$' },
  },
  'If-None-Match': { description: 'Responds 304 if the `ETag` matches.', schema: text },
  traceparent: {
    description: 'W3C Trace Context; its trace id is in the log lines of the request.',
    schema: { type: 'string', examples: ['00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'] },
  },
  'If-Match': { description: 'Responds 412 unless the `ETag` matches.', schema: text },
  Prefer: {
    description:
      '`dry-run` (RFC 7240): the request runs in the real transaction, which is then rolled back. The response is the one that would have been sent; tokens in it are void. Nothing is stored, mailed, queued or emitted, and no `Idempotency-Key` is used up.',
    schema: { type: 'string', examples: ['dry-run'] },
  },
  'Idempotency-Key': {
    description: 'Safely retries a request: the first response is stored for 24 hours per caller, route and key.',
    schema: { type: 'string', pattern: '^[!-~]{1,255}$' },
  },
} as const

const RATE_LIMIT_HEADERS = [
  ...(['RateLimit', 'RateLimit-Policy'] as const),
  ...(['RateLimit-Limit', 'RateLimit-Remaining', 'RateLimit-Reset'] as const),
]

const parameterName = (header: keyof typeof REQUEST_HEADERS) => header.replaceAll('-', '')

/** Returns references to response headers. */
export function responseHeaders(names: ResponseHeader[]): JsonSchema {
  return Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }]))
}

/** Returns the headers that every response of an operation has. */
export function headersOf(operation: { rateLimited?: boolean }): ResponseHeader[] {
  return operation.rateLimited === false ? ['X-Request-Id'] : ['X-Request-Id', ...RATE_LIMIT_HEADERS]
}

/** Returns references to the request headers, and the cookie, that an operation honours. */
export function headerParameters(operation: Operation): JsonSchema[] {
  const names: (keyof typeof REQUEST_HEADERS)[] = ['X-Request-Id', 'traceparent']
  if (operation.etag === true) names.push('If-None-Match')
  if (operation.ifMatch === true) names.push('If-Match')
  if (honoursDryRun(operation)) names.push('Prefer')
  if (operation.idempotent === true) names.push('Idempotency-Key')
  const parameters = names.map(parameterName)
  if (operation.refreshCookie === 'accepted' || operation.refreshCookie === 'both') parameters.push('RefreshCookie')
  return parameters.map((name) => ({ $ref: `#/components/parameters/${name}` }))
}

/** Returns the `components.parameters` of the document. */
export function sharedParameters(): Record<string, JsonSchema> {
  const entries = Object.entries(REQUEST_HEADERS)
  return {
    ...Object.fromEntries(
      entries.map(([name, header]) => [name.replaceAll('-', ''), { name, in: 'header', ...header }]),
    ),
    RefreshCookie: {
      name: '__Secure-hearth_refresh',
      in: 'cookie',
      description:
        'The refresh token; only accepted from an allowed origin. Over plain http, in development, its name is `hearth_refresh`.',
      schema: text,
    },
  }
}
