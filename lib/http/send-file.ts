import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { create as contentDisposition } from 'content-disposition'
import type { NextApiRequest, NextApiResponse } from 'next'
import parseRange from 'range-parser'
import { AppError } from '@/lib/errors'
import type { Validators } from '@/lib/platform/etag'
import type { Context } from './context'
import { assertUnchanged, isNotModified, isRangeCurrent } from './etag'
import { STALL_TIMEOUT_MS } from './send-stream'

/** Media types that are safe to render inline; everything else is sent as an attachment. */
const INERT_TYPE = /^(image\/(png|jpeg|gif|webp|avif|bmp)|(audio|video)\/[\w.+-]+|text\/plain)(;|$)/

/** First and last byte position, zero-based and inclusive. */
type Range = { start: number; end: number }

type SentFile = {
  file: { path: string; mimeType: string; size: number; visibility: 'public' | 'private' }
  validators: Required<Validators>
  /** Opens the bytes or a range of them; `sendFile` closes the stream. */
  open: (range?: Range) => Promise<Readable>
}

/**
 * Returns the requested range; undefined for the whole file: without `Range`, if the file has changed since, and for
 * several ranges, which a server may ignore (RFC 9110, section 14.2).
 *
 * @throws RANGE_NOT_SATISFIABLE when the range begins beyond the end of the file
 */
function requestedRange(req: NextApiRequest, size: number, validators: Validators): Range | undefined {
  const header = req.headers.range
  if (header === undefined || !isRangeCurrent(req, validators)) return undefined
  const ranges = parseRange(size, header, { combine: true })
  if (ranges === -1) {
    throw new AppError('RANGE_NOT_SATISFIABLE', { headers: { 'Content-Range': `bytes */${size}` } })
  }
  if (ranges === -2 || ranges.type !== 'bytes' || ranges.length !== 1) return undefined
  return ranges[0]
}

/** Sets the headers of the content. The sandbox policy also disarms a file that is opened despite being an attachment. */
function setContentHeaders(res: NextApiResponse, { mimeType, path }: SentFile['file']): void {
  const type = INERT_TYPE.test(mimeType) ? 'inline' : 'attachment'
  res.setHeader('Content-Type', mimeType)
  res.setHeader('Content-Disposition', contentDisposition(path.split('/').at(-1), { type }))
  res.setHeader('Content-Security-Policy', "default-src 'none'; sandbox; frame-ancestors 'none'")
}

/**
 * Sends the bytes of a file, or a range of them (RFC 9110, sections 13 and 14). The file may change or become private at
 * any time, so caches must revalidate before reuse. Also throws what `open` throws.
 *
 * @throws PRECONDITION_FAILED when `If-Match` or `If-Unmodified-Since` does not hold
 * @throws RANGE_NOT_SATISFIABLE when the range begins beyond the end of the file
 */
export async function sendFile(
  req: NextApiRequest,
  res: NextApiResponse,
  { file, validators, open, wantsHeadOnly }: SentFile & Pick<Context, 'wantsHeadOnly'>,
): Promise<void> {
  assertUnchanged(req, validators)
  const notModified = isNotModified(req, validators)
  const needsBytes = !notModified && !wantsHeadOnly
  const range = needsBytes ? requestedRange(req, file.size, validators) : undefined
  const bytes = needsBytes ? await open(range) : undefined
  res.setHeader('ETag', validators.etag)
  res.setHeader('Last-Modified', validators.lastModified)
  if (!res.hasHeader('Cache-Control')) {
    res.setHeader('Cache-Control', file.visibility === 'public' ? 'public, no-cache' : 'private, no-cache')
  }
  if (notModified) {
    res.statusCode = 304
    res.end()
    return
  }
  setContentHeaders(res, file)
  res.setHeader('Accept-Ranges', 'bytes')
  res.setHeader('Content-Length', range === undefined ? file.size : range.end - range.start + 1)
  if (range !== undefined) {
    res.statusCode = 206
    res.setHeader('Content-Range', `bytes ${range.start}-${range.end}/${file.size}`)
  }
  if (bytes === undefined) {
    res.end()
    return
  }
  await streamTo(res, bytes)
}

/**
 * Streams the bytes to the client. A client that disconnects, or reads nothing for a minute, is not an error; bytes that
 * cannot be read are, and truncate the response.
 */
async function streamTo(res: NextApiResponse, bytes: Readable): Promise<void> {
  let readError: unknown
  bytes.once('error', (error) => {
    if (!res.destroyed) readError = error
  })
  res.setTimeout(STALL_TIMEOUT_MS, () => res.destroy())
  // On failure, `pipeline` destroys both streams.
  await pipeline(bytes, res).catch(() => {})
  res.setTimeout(0)
  if (readError !== undefined) throw readError
}
