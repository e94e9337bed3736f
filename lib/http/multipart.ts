import { finished, PassThrough, type Readable } from 'node:stream'
import { parse as parseContentType } from 'content-type'
import { errors, IncomingForm, type Part } from 'formidable'
import type { NextApiRequest } from 'next'
import { AppError, validationError } from '@/lib/errors'

/** What may stand around the file: boundaries and the headers of its part. */
const OVERHEAD_MAX_BYTES = 16 * 1024
const FIELD_NAME_SHOWN_MAX = 100

/** UNSUPPORTED_MEDIA_TYPE for what is no multipart form (RFC 7578), VALIDATION_ERROR where the boundary is missing. */
function assertMultipart(req: NextApiRequest): void {
  const { 'content-type': contentType, 'content-encoding': encoding = 'identity' } = req.headers
  if (contentType === undefined || encoding !== 'identity') throw new AppError('UNSUPPORTED_MEDIA_TYPE')
  let parsed
  try {
    parsed = parseContentType(contentType)
  } catch (cause) {
    throw new AppError('UNSUPPORTED_MEDIA_TYPE', { cause })
  }
  if (parsed.type !== 'multipart/form-data') throw new AppError('UNSUPPORTED_MEDIA_TYPE')
  if (!parsed.parameters['boundary']) throw validationError({ body: ['must have a boundary in its Content-Type'] })
}

function faultOfPart(part: Part, field: string): AppError | undefined {
  if (part.name !== field) {
    return validationError({ [(part.name ?? '').slice(0, FIELD_NAME_SHOWN_MAX)]: ['is not allowed'] })
  }
  return part.mimetype === null ? validationError({ [field]: ['must be a file'] }) : undefined
}

/**
 * The one file of a multipart form, as a stream that ends when the whole form has arrived and was sound, and fails with
 * what was wrong otherwise: VALIDATION_ERROR for a file that is missing, empty, one of several or under another name and
 * for a body that was cut short, PAYLOAD_TOO_LARGE over `maxBytes`. Nothing is written to disk. Destroying the stream
 * lets what is still to come run out unread, so that the request can be answered.
 */
export function uploadedFile(req: NextApiRequest, { field, maxBytes }: { field: string; maxBytes: number }): Readable {
  assertMultipart(req)
  if (Number(req.headers['content-length'] ?? 0) > maxBytes + OVERHEAD_MAX_BYTES)
    throw new AppError('PAYLOAD_TOO_LARGE')

  const file = new PassThrough()
  // Whoever reads it learns of its failure there; until somebody does, it is nobody's.
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
  // Bounds the headers of parts too, which the parser gathers without an end.
  form.on('progress', (receivedBytes) => {
    if (receivedBytes > maxBytes + OVERHEAD_MAX_BYTES) file.destroy(new AppError('PAYLOAD_TOO_LARGE'))
  })
  form.onPart = (part) => {
    parts += 1
    const fault = parts > 1 ? validationError({ [field]: ['must be the only part'] }) : faultOfPart(part, field)
    if (fault !== undefined) file.destroy(fault)
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

/** What the parser finds fault with is the body's fault. */
function formError(cause: unknown): AppError {
  const code = typeof cause === 'object' && cause !== null && 'code' in cause ? cause.code : undefined
  const cutShort = code === errors.aborted || code === errors.malformedMultipart
  const message = cutShort ? 'is truncated or not valid multipart/form-data' : 'is not valid multipart/form-data'
  return new AppError('VALIDATION_ERROR', { details: { body: [message] }, cause })
}
