import Joi from 'joi'
import { ERRORS, type ErrorCode } from '@/lib/errors'
import type { Operation } from '@/lib/platform/operation'
import { object, oneOf } from '@/lib/validation'
import { headersOf, responseHeaders, type ResponseHeader } from './headers'
import { toJsonSchema, type JsonSchema } from './json-schema'

const isErrorCode = (word: string): word is ErrorCode => Object.hasOwn(ERRORS, word)

/** All error codes, in the order of the table. */
export const ERROR_CODES = Object.keys(ERRORS).filter(isErrorCode)

/** Messages by field; `operation` names the operation of a batch that failed. */
const details = Joi.object({ operation: Joi.string() }).pattern(Joi.string(), Joi.array().items(Joi.string()))

/** Returns the schema of the error envelope with one of these codes. */
function envelope(codes: ErrorCode[]): Joi.ObjectSchema {
  return object({
    required: {
      error: object({
        required: { code: oneOf(...codes), message: Joi.string(), requestId: Joi.string() },
        optional: { details },
      }),
    },
  })
}

/** Returns the error codes of an operation: those that it declares, and those that follow from access, schemas and flags. */
export function errorCodesOf(operation: Operation): ErrorCode[] {
  const codes = new Set<ErrorCode>(operation.errors)
  // Every route rejects invalid percent-encoding in the URL.
  codes.add('VALIDATION_ERROR').add('INTERNAL_ERROR').add('SERVICE_UNAVAILABLE')
  if (operation.rateLimited !== false) codes.add('RATE_LIMITED')
  if (operation.access !== 'public') codes.add('UNAUTHORIZED').add('FORBIDDEN')
  if (operation.access !== 'public' && operation.access.recent !== undefined) codes.add('REAUTHENTICATION_REQUIRED')
  if (operation.path.includes('{')) codes.add('NOT_FOUND')
  if (operation.body !== undefined) codes.add('INVALID_JSON').add('PAYLOAD_TOO_LARGE').add('UNSUPPORTED_MEDIA_TYPE')
  if (operation.ifMatch === true) codes.add('PRECONDITION_FAILED')
  if (operation.idempotent === true) codes.add('IDEMPOTENCY_IN_PROGRESS').add('IDEMPOTENCY_KEY_REUSED')
  return ERROR_CODES.filter((code) => codes.has(code))
}

function byStatus(codes: ErrorCode[]): Map<number, ErrorCode[]> {
  const groups = new Map<number, ErrorCode[]>()
  for (const code of codes) groups.set(ERRORS[code].status, [...(groups.get(ERRORS[code].status) ?? []), code])
  return groups
}

function envelopeExample(code: ErrorCode): JsonSchema {
  const more = code === 'VALIDATION_ERROR' ? { details: { email: ['must be a valid email'] } } : {}
  return { error: { code, message: ERRORS[code].message, ...more, requestId: '5f0c8a1e-request' } }
}

function errorResponse(status: number, codes: ErrorCode[]): JsonSchema {
  const headers: ResponseHeader[] = headersOf({})
  if (status === 401) headers.push('WWW-Authenticate')
  if (status === 429 || status === 503) headers.push('Retry-After')
  return {
    description: codes.map((code) => `\`${code}\`: ${ERRORS[code].message}`).join('\n\n'),
    headers: responseHeaders(headers),
    content: {
      'application/json': {
        schema: toJsonSchema(envelope(codes), 'output'),
        examples: Object.fromEntries(codes.map((code) => [code, { value: envelopeExample(code) }])),
      },
    },
  }
}

/** Creates the registry of error responses. Operations with the same codes share a response, which is named after them. */
export function createErrorResponses() {
  const shared = new Map<string, JsonSchema>()
  return {
    /** Returns the error responses of an operation, as references. */
    refer: (operation: Operation): Record<string, JsonSchema> => {
      const responses: Record<string, JsonSchema> = {}
      for (const [status, codes] of byStatus(errorCodesOf(operation))) {
        const name = codes.join('.')
        if (!shared.has(name)) shared.set(name, errorResponse(status, codes))
        responses[status] = { $ref: `#/components/responses/${name}` }
      }
      return responses
    },
    /** Returns the responses that were referred to, by name. */
    used: (): Record<string, JsonSchema> => Object.fromEntries(shared),
  }
}
