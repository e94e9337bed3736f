import { parse as parseContentType, type ContentType } from 'content-type'
import Negotiator from 'negotiator'
import type { NextApiRequest } from 'next'
import { AppError } from '@/lib/errors'

/**
 * Parses `Content-Type`; undefined without one. Used by every reader of a request body.
 * @throws UNSUPPORTED_MEDIA_TYPE when the header is malformed or the body is compressed
 */
export function contentTypeOf(req: NextApiRequest): ContentType | undefined {
  const { 'content-type': header, 'content-encoding': encoding = 'identity' } = req.headers
  if (encoding !== 'identity') throw new AppError('UNSUPPORTED_MEDIA_TYPE')
  if (header === undefined) return undefined
  try {
    return parseContentType(header)
  } catch (cause) {
    throw new AppError('UNSUPPORTED_MEDIA_TYPE', { cause })
  }
}

/**
 * Returns the media type of a text body.
 * @throws UNSUPPORTED_MEDIA_TYPE when there is none, it is not in UTF-8, or the body is compressed
 */
export function textTypeOf(req: NextApiRequest): string {
  const { type, parameters } = contentTypeOf(req) ?? {}
  const charset = parameters?.['charset']?.toLowerCase() ?? 'utf-8'
  if (type === undefined || (charset !== 'utf-8' && charset !== 'utf8')) throw new AppError('UNSUPPORTED_MEDIA_TYPE')
  return type
}

/**
 * Returns the media type of a text body, if it is one of these.
 * @throws UNSUPPORTED_MEDIA_TYPE
 */
export function requireMediaType<T extends string>(req: NextApiRequest, known: readonly T[]): T {
  const type = textTypeOf(req)
  const found = known.find((candidate) => candidate === type)
  if (found === undefined) {
    throw new AppError('UNSUPPORTED_MEDIA_TYPE', { message: `The body must be sent as ${known.join(' or ')}.` })
  }
  return found
}

/**
 * Returns the media type that the client prefers (RFC 9110, section 12.5.1), or the first if it accepts none of them: the
 * API has no 406, and a response in another type is allowed.
 */
export function preferredMediaType<T extends string>(req: NextApiRequest, known: readonly [T, ...T[]]): T {
  const wanted = new Negotiator(req).mediaType([...known])
  return known.find((candidate) => candidate === wanted) ?? known[0]
}
