import type { NextApiRequest } from 'next'
import getRawBody from 'raw-body'
import { safeParse } from 'secure-json-parse'
import { AppError, validationError } from '@/lib/errors'
import { jsonBoundsError } from '@/lib/json-bounds'
import type { Operation } from '@/lib/platform/operation'
import { check, object, type Schema } from '@/lib/validation'
import { textTypeOf } from './content-negotiation'
import { hasBody } from './request-bounds'
import { takeFields } from './select-fields'

/** The largest JSON body unless the operation says more, in bytes. */
const JSON_MAX_BYTES = 16_384
/** How long a client may take to send a JSON body; without progress it is disconnected sooner. */
const JSON_MAX_MS = 120_000

const bodyLimits = new WeakMap<NextApiRequest, number>()

/** Sets the largest JSON body of a request, in bytes. */
export function limitJsonBody(req: NextApiRequest, maxBytes = JSON_MAX_BYTES): void {
  bodyLimits.set(req, maxBytes)
}

/** Requests whose query was validated. */
const checkedQueries = new WeakSet<NextApiRequest>()

/**
 * Validates the query and path parameters of a request.
 * @throws VALIDATION_ERROR
 */
export function parseQuery<T>(req: NextApiRequest, schema: Schema<T>): T {
  checkedQueries.add(req)
  const { query, error } = takeFields(req)
  const checked = check(schema, query, 'query')
  if (error !== undefined) throw validationError({ ...checked.details, fields: [error] })
  return valueOf(checked)
}

/**
 * Validates a request header; undefined if it is missing or empty.
 * @throws VALIDATION_ERROR
 */
export function parseHeader<T>(req: NextApiRequest, name: string, schema: Schema<T>): T | undefined {
  const value = req.headers[name.toLowerCase()]
  return typeof value === 'string' && value !== '' ? valueOf(check(schema, value, name)) : undefined
}

const NO_PARAMETERS = object({})

/**
 * Rejects unknown query parameters of an operation that declares none and has no body, whose route does not parse anything.
 * @throws VALIDATION_ERROR
 */
export function checkUndeclaredQuery(req: NextApiRequest, operation: Operation | undefined): void {
  const isParsed = operation === undefined || operation.parameters !== undefined || operation.body !== undefined
  if (!isParsed) parseQuery(req, NO_PARAMETERS)
}

/**
 * Validates the JSON body of a request. A missing body counts as an empty object, so that required fields are reported.
 * Routes with parameters call `parseQuery` first; without that call any query parameter is rejected.
 * @throws VALIDATION_ERROR, INVALID_JSON, UNSUPPORTED_MEDIA_TYPE, PAYLOAD_TOO_LARGE
 */
export async function parseBody<T>(req: NextApiRequest, schema: Schema<T>): Promise<T> {
  const checked = check(schema, await readJson(req), 'body')
  const unexpected = unexpectedQueryParameters(req)
  if (unexpected.length === 0) return valueOf(checked)
  throw validationError({
    ...Object.fromEntries(unexpected.map((name) => [name, ['is not allowed']])),
    ...checked.details,
  })
}

function unexpectedQueryParameters(req: NextApiRequest): string[] {
  const [, query] = (req.url ?? '').split('?')
  return checkedQueries.has(req) ? [] : [...new URLSearchParams(query).keys()]
}

function valueOf<T>(checked: ReturnType<typeof check<T>>): T {
  if (checked.details !== undefined) throw validationError(checked.details)
  return checked.value
}

const bodies = new WeakMap<NextApiRequest, Promise<unknown>>()

/** Reads the JSON body of a request once; later calls return the same value. */
export async function readJson(req: NextApiRequest): Promise<unknown> {
  const known = bodies.get(req)
  if (known !== undefined) return known
  const body = readJsonOnce(req)
  bodies.set(req, body)
  return body
}

async function readJsonOnce(req: NextApiRequest): Promise<unknown> {
  if (!hasBody(req)) return {}
  // JSON is always UTF-8 (RFC 8259, section 8.1).
  if (!/^application\/([\w.-]+\+)?json$/.test(textTypeOf(req)))
    throw new AppError('UNSUPPORTED_MEDIA_TYPE', { message: 'The body must be sent as application/json.' })
  const bytes = await readBytes(req)
  const excess = jsonBoundsError(bytes)
  if (excess !== undefined) throw validationError({ body: [excess] })
  const text = decodeUtf8(bytes)
  // `safeParse` returns undefined for invalid JSON, and null for keys that would pollute a prototype.
  const parsed: unknown = safeParse(text)
  if (parsed === undefined) throw new AppError('INVALID_JSON')
  if (parsed === null && text.trim() !== 'null')
    throw validationError({ body: ['must not contain "__proto__" or "constructor" keys'] })
  return parsed
}

function decodeUtf8(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (cause) {
    throw new AppError('INVALID_JSON', { cause })
  }
}

async function readBytes(req: NextApiRequest): Promise<Buffer> {
  const limit = bodyLimits.get(req) ?? JSON_MAX_BYTES
  const timer = setTimeout(() => req.destroy(), JSON_MAX_MS).unref()
  try {
    return await getRawBody(req, { length: req.headers['content-length'] ?? null, limit })
  } catch (cause) {
    const tooLarge = cause instanceof Error && 'type' in cause && cause.type === 'entity.too.large'
    throw new AppError(tooLarge ? 'PAYLOAD_TOO_LARGE' : 'INVALID_JSON', { cause })
  } finally {
    clearTimeout(timer)
  }
}
