import { parse as parseContentType } from 'content-type'
import Negotiator from 'negotiator'
import type { NextApiRequest } from 'next'
import { AppError } from '@/lib/errors'

/** The media type of the body, one of these and in UTF-8 as it is; else UNSUPPORTED_MEDIA_TYPE. */
export function requireMediaType<T extends string>(req: NextApiRequest, known: readonly T[]): T {
  const header = req.headers['content-type'] ?? ''
  let found: T | undefined
  try {
    const { type, parameters } = parseContentType(header)
    const charset = parameters['charset']?.toLowerCase() ?? 'utf-8'
    if (charset === 'utf-8' || charset === 'utf8') found = known.find((candidate) => candidate === type)
  } catch {
    found = undefined
  }
  if (found === undefined || (req.headers['content-encoding'] ?? 'identity') !== 'identity')
    throw new AppError('UNSUPPORTED_MEDIA_TYPE')
  return found
}

/**
 * Which of these media types the client would have (RFC 9110, section 12.5.1). The first where it takes none of them:
 * the contract knows no 406, and an answer in another type is allowed.
 */
export function preferredMediaType<T extends string>(req: NextApiRequest, known: readonly [T, ...T[]]): T {
  const wanted = new Negotiator(req).mediaType([...known])
  return known.find((candidate) => candidate === wanted) ?? known[0]
}
