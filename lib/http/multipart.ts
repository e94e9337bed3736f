import { finished, PassThrough, type Readable } from 'node:stream'
import { errors, IncomingForm, type Part } from 'formidable'
import type { NextApiRequest } from 'next'
import { AppError, validationError } from '@/lib/errors'
import { contentTypeOf } from './content-negotiation'

/** Allowance for what surrounds the file: boundaries and the headers of its part. */
const OVERHEAD_MAX_BYTES = 16 * 1024
const FIELD_NAME_REPORTED_MAX = 100

function assertMultipart(req: NextApiRequest): void {
  const contentType = contentTypeOf(req)
  if (contentType?.type !== 'multipart/form-data')
    throw new AppError('UNSUPPORTED_MEDIA_TYPE', { message: 'The body must be sent as multipart/form-data.' })
  if (!contentType.parameters['boundary']) throw validationError({ body: ['must have a boundary in its Content-Type'] })
}

function partError(part: Part, field: string): AppError | undefined {
  if (part.name !== field) {
    return validationError({ [(part.name ?? '').slice(0, FIELD_NAME_REPORTED_MAX)]: ['is not allowed'] })
  }
  return part.mimetype === null ? validationError({ [field]: ['must be a file'] }) : undefined
}

/**
 * Returns the only file of a multipart form as a stream, which ends after the whole form was received and is valid. The
 * stream fails with VALIDATION_ERROR when the file is missing, empty, one of several or in another field, or the body is
 * truncated, and with PAYLOAD_TOO_LARGE when the file is larger than `maxBytes`. Nothing is written to disk. Destroying
 * the stream discards the rest of the body, so that a response can be sent.
 *
 * @throws UNSUPPORTED_MEDIA_TYPE when the body is not a multipart form
 * @throws VALIDATION_ERROR when the boundary is missing
 * @throws PAYLOAD_TOO_LARGE when `Content-Length` exceeds the limit
 */
export function uploadedFile(req: NextApiRequest, { field, maxBytes }: { field: string; maxBytes: number }): Readable {
  assertMultipart(req)
  if (Number(req.headers['content-length'] ?? 0) > maxBytes + OVERHEAD_MAX_BYTES)
    throw new AppError('PAYLOAD_TOO_LARGE')

  const file = new PassThrough()
  // Prevents an unhandled `error` event before a consumer attaches; consumers still see the error.
  file.on('error', () => {})
  const form = new IncomingForm()
  let parts = 0
  let sizeBytes = 0

  file.once('close', () => {
    req.removeAllListeners('data')
    req.resume()
  })
  finished(req, { writable: false }, (cause) => {
    if (cause)
      file.destroy(new AppError('VALIDATION_ERROR', { message: 'The request body ended unexpectedly.', cause }))
  })
  // Also bounds the headers of parts, which the parser buffers without a limit.
  form.on('progress', (receivedBytes) => {
    if (receivedBytes > maxBytes + OVERHEAD_MAX_BYTES) file.destroy(new AppError('PAYLOAD_TOO_LARGE'))
  })
  form.onPart = (part) => {
    parts += 1
    const error = parts > 1 ? validationError({ [field]: ['must be the only part'] }) : partError(part, field)
    if (error !== undefined) file.destroy(error)
    part.on('data', (chunk: Buffer) => {
      sizeBytes += chunk.length
      if (sizeBytes > maxBytes) file.destroy(new AppError('PAYLOAD_TOO_LARGE'))
      if (file.destroyed || file.write(chunk)) return
      req.pause()
      file.once('drain', () => req.resume())
    })
  }
  form.parse(req).then(
    () => {
      if (parts === 0) file.destroy(validationError({ [field]: ['is required'] }))
      else if (sizeBytes === 0) file.destroy(validationError({ [field]: ['must not be empty'] }))
      else if (!file.destroyed) file.end()
    },
    (cause: unknown) => file.destroy(formError(cause)),
  )
  return file
}

/** Maps formidable errors to VALIDATION_ERROR. */
function formError(cause: unknown): AppError {
  const code = typeof cause === 'object' && cause !== null && 'code' in cause ? cause.code : undefined
  const isTruncated = code === errors.aborted || code === errors.malformedMultipart
  const message = isTruncated ? 'is truncated or not valid multipart/form-data' : 'is not valid multipart/form-data'
  return new AppError('VALIDATION_ERROR', { details: { body: [message] }, cause })
}
