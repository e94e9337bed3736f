import { parse as parseContentType } from 'content-type'
import type { NextApiRequest } from 'next'
import getRawBody from 'raw-body'
import { safeParse } from 'secure-json-parse'
import { AppError, validationError } from '@/lib/errors'
import { jsonBoundsError } from '@/lib/json-bounds'
import { check, type Schema } from '@/lib/validation'

/** The largest JSON body, in bytes. */
export const JSON_LIMIT_BYTES = 1_048_576

/** Requests whose query somebody has checked. */
const checkedQueries = new WeakSet<NextApiRequest>()

/** The query and path parameters of a request, checked. A path parameter stands beside the query's under its name. */
export function parseQuery<T>(req: NextApiRequest, schema: Schema<T>): T {
  checkedQueries.add(req)
  return valueOf(check(schema, req.query, 'query'))
}

/**
 * The JSON body of a request, checked. No body counts as an empty object, so that its missing fields are named. A route
 * that has parameters checks them first: where none were, there may be none.
 */
export async function parseBody<T>(req: NextApiRequest, schema: Schema<T>): Promise<T> {
  const checked = check(schema, await readJson(req), 'body')
  const strays = unexpectedQueryParameters(req)
  if (strays.length === 0) return valueOf(checked)
  throw validationError({ ...Object.fromEntries(strays.map((name) => [name, ['is not allowed']])), ...checked.details })
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

/** The JSON body of a request as it is; read once, so that whoever asks later gets it too. */
export async function readJson(req: NextApiRequest): Promise<unknown> {
  const known = bodies.get(req)
  if (known !== undefined) return known
  const body = readJsonOnce(req)
  bodies.set(req, body)
  return body
}

async function readJsonOnce(req: NextApiRequest): Promise<unknown> {
  const hasBody = req.headers['transfer-encoding'] !== undefined || Number(req.headers['content-length'] ?? 0) > 0
  if (!hasBody) return {}
  if (!isJson(req.headers['content-type'])) throw new AppError('UNSUPPORTED_MEDIA_TYPE')
  if ((req.headers['content-encoding'] ?? 'identity') !== 'identity') throw new AppError('UNSUPPORTED_MEDIA_TYPE')
  const bytes = await readBytes(req)
  const excess = jsonBoundsError(bytes)
  if (excess !== undefined) throw validationError({ body: [excess] })
  const text = decodeUtf8(bytes)
  // `undefined` means: no JSON; `null`: a key that would become a prototype when the object is copied, or JSON's null.
  const parsed: unknown = safeParse(text)
  if (parsed === undefined) throw new AppError('INVALID_JSON')
  if (parsed === null && text.trim() !== 'null') throw validationError({ body: ['must not reach for a prototype'] })
  return parsed
}

function decodeUtf8(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (cause) {
    throw new AppError('INVALID_JSON', { cause })
  }
}

/** JSON in UTF-8 and nothing else (RFC 8259, section 8.1); `application/*+json` is JSON too. */
function isJson(contentType: string | undefined): boolean {
  if (contentType === undefined) return false
  try {
    const { type, parameters } = parseContentType(contentType)
    const charset = parameters['charset']?.toLowerCase() ?? 'utf-8'
    return /^application\/([\w.-]+\+)?json$/.test(type) && (charset === 'utf-8' || charset === 'utf8')
  } catch {
    return false
  }
}

async function readBytes(req: NextApiRequest): Promise<Buffer> {
  try {
    return await getRawBody(req, { length: req.headers['content-length'] ?? null, limit: JSON_LIMIT_BYTES })
  } catch (cause) {
    const tooLarge = cause instanceof Error && 'type' in cause && cause.type === 'entity.too.large'
    throw new AppError(tooLarge ? 'PAYLOAD_TOO_LARGE' : 'INVALID_JSON', { cause })
  }
}
