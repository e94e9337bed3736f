import { finished, PassThrough, type Readable } from 'node:stream'
import type { NextApiRequest } from 'next'
import { format as formatContentType } from 'content-type'
import { AppError } from '@/lib/errors'
import { contentTypeOf } from './content-negotiation'

const BUFFER_BYTES = 512 * 1024
const MEDIA_TYPE_MAX = 255

export type RawBody = { body: Readable; mimeType: string; sizeBytes: number | undefined }

/**
 * Returns the normalized media type of the body.
 * @throws UNSUPPORTED_MEDIA_TYPE when it is malformed or too long, or the body is compressed
 */
export function mediaTypeOf(req: NextApiRequest): string {
  const contentType = contentTypeOf(req)
  if (contentType === undefined) return 'application/octet-stream'
  if ((req.headers['content-type'] ?? '').length > MEDIA_TYPE_MAX) throw new AppError('UNSUPPORTED_MEDIA_TYPE')
  try {
    return formatContentType(contentType)
  } catch (cause) {
    throw new AppError('UNSUPPORTED_MEDIA_TYPE', { cause })
  }
}

/**
 * Returns the body of a request as a separate stream: destroying it does not close the connection, so a response can still
 * be sent. The stream fails with VALIDATION_ERROR when the client disconnects.
 *
 * @throws UNSUPPORTED_MEDIA_TYPE see `mediaTypeOf`
 */
export function rawBody(req: NextApiRequest): RawBody {
  const mimeType = mediaTypeOf(req)
  const length = req.headers['content-length']
  const body = new PassThrough({ highWaterMark: BUFFER_BYTES })
  // Prevents an unhandled `error` event before a consumer attaches; consumers still see the error.
  body.on('error', () => {})
  finished(req, { writable: false }, (cause) => {
    if (cause)
      body.destroy(new AppError('VALIDATION_ERROR', { message: 'The request body ended unexpectedly.', cause }))
  })
  body.once('close', () => req.unpipe(body))
  req.pipe(body)
  return { body, mimeType, sizeBytes: length === undefined ? undefined : Number(length) }
}
