import { finished, PassThrough, type Readable } from 'node:stream'
import type { NextApiRequest } from 'next'
import { parse as parseContentType, format as formatContentType } from 'content-type'
import { AppError } from '@/lib/errors'

const BUFFER_BYTES = 512 * 1024
const MEDIA_TYPE_MAX = 255

export type RawBody = { body: Readable; mimeType: string; sizeBytes: number | undefined }

/** The media type of the body, in its normal form; UNSUPPORTED_MEDIA_TYPE when it is none, or the body is encoded. */
export function mediaTypeOf(req: NextApiRequest): string {
  if ((req.headers['content-encoding'] ?? 'identity') !== 'identity') throw new AppError('UNSUPPORTED_MEDIA_TYPE')
  const given = req.headers['content-type']
  if (given === undefined) return 'application/octet-stream'
  if (given.length > MEDIA_TYPE_MAX) throw new AppError('UNSUPPORTED_MEDIA_TYPE')
  try {
    return formatContentType(parseContentType(given))
  } catch (cause) {
    throw new AppError('UNSUPPORTED_MEDIA_TYPE', { cause })
  }
}

/**
 * The body of a request as a stream of its own. Destroying it leaves the connection alone, so that the request can still
 * be answered; a client that hangs up makes it fail.
 */
export function rawBody(req: NextApiRequest): RawBody {
  const mimeType = mediaTypeOf(req)
  const length = req.headers['content-length']
  const body = new PassThrough({ highWaterMark: BUFFER_BYTES })
  // Whoever reads it learns of its failure there; until somebody does, it is nobody's.
  body.on('error', () => {})
  finished(req, { writable: false }, (cause) => {
    if (cause)
      body.destroy(new AppError('VALIDATION_ERROR', { message: 'The request body ended unexpectedly.', cause }))
  })
  body.once('close', () => req.unpipe(body))
  req.pipe(body)
  return { body, mimeType, sizeBytes: length === undefined ? undefined : Number(length) }
}
