import type { JsonSchema } from './json-schema'
import type { Operation } from './operation'

const text = { type: 'string' }
const seconds = { type: 'integer', minimum: 0 }

/** Headers of answers that more than one operation has. */
export const RESPONSE_HEADERS = {
  'X-Request-Id': {
    description: 'Names this request, also in the log; kept from the request where it has one.',
    required: true,
    schema: { type: 'string', pattern: '^[A-Za-z0-9._-]{1,64}$' },
  },
  'RateLimit-Limit': { description: 'How many requests the window allows.', schema: seconds },
  'RateLimit-Remaining': { description: 'How many of them are left.', schema: seconds },
  'RateLimit-Reset': { description: 'Seconds until the window begins anew.', schema: seconds },
  'Retry-After': { description: 'Seconds after which to try again.', schema: seconds },
  'WWW-Authenticate': { description: 'The scheme of credentials that is asked for.', schema: text },
  ETag: { description: 'The version of what is answered (RFC 9110, section 8.8.3).', schema: text },
  Link: { description: 'Other pages of the list: `first`, `prev`, `next`, `last` (RFC 8288).', schema: text },
  Location: { description: 'Where the created thing is.', schema: text },
  'Idempotency-Replayed': {
    description: '`true` on the answer of an earlier request with the same `Idempotency-Key`.',
    schema: { type: 'string', const: 'true' },
  },
  'Set-Cookie': { description: 'The refresh token, where it was asked for as a cookie.', schema: text },
} as const

export type ResponseHeader = keyof typeof RESPONSE_HEADERS

/** Headers of requests that more than one operation heeds. */
export const REQUEST_HEADERS = {
  'X-Request-Id': {
    description: 'A name for this request; one is made where there is none.',
    schema: { type: 'string', pattern: '^[A-Za-z0-9._-]{1,64}$' },
  },
  'If-None-Match': { description: 'Answer 304 if the `ETag` is still this one.', schema: text },
  'If-Match': { description: 'Refuse with 412 unless the `ETag` is still this one.', schema: text },
  'Idempotency-Key': {
    description: 'Makes a repeat harmless: the first answer is kept for 24 hours for this caller, route and key.',
    schema: { type: 'string', pattern: '^[!-~]{1,255}$' },
  },
} as const

const parameterName = (header: keyof typeof REQUEST_HEADERS) => header.replaceAll('-', '')

/** References to headers of answers. */
export function responseHeaders(names: ResponseHeader[]): JsonSchema {
  return Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }]))
}

/** The headers that every answer of an operation has. */
export function headersOf(operation: { unlimited?: boolean }): ResponseHeader[] {
  return operation.unlimited === true
    ? ['X-Request-Id']
    : ['X-Request-Id', 'RateLimit-Limit', 'RateLimit-Remaining', 'RateLimit-Reset']
}

/** References to the headers, cookie among them, that an operation heeds. */
export function headerParameters(operation: Operation): JsonSchema[] {
  const names: (keyof typeof REQUEST_HEADERS)[] = ['X-Request-Id']
  if (operation.etag === true) names.push('If-None-Match')
  if (operation.ifMatch === true) names.push('If-Match')
  if (operation.idempotent === true) names.push('Idempotency-Key')
  const parameters = names.map(parameterName)
  if (operation.refreshCookie === 'taken' || operation.refreshCookie === 'both') parameters.push('RefreshCookie')
  return parameters.map((name) => ({ $ref: `#/components/parameters/${name}` }))
}

/** The `components.parameters` of the document. */
export function sharedParameters(): Record<string, JsonSchema> {
  const entries = Object.entries(REQUEST_HEADERS)
  return {
    ...Object.fromEntries(
      entries.map(([name, header]) => [name.replaceAll('-', ''), { name, in: 'header', ...header }]),
    ),
    RefreshCookie: {
      name: 'hearth_refresh',
      in: 'cookie',
      description: 'The refresh token, from pages of an allowed origin.',
      schema: text,
    },
  }
}
