import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { create as contentDisposition } from 'content-disposition'
import type { NextApiRequest, NextApiResponse } from 'next'
import parseRange from 'range-parser'
import { AppError } from '@/lib/errors'
import { entityTag, openFile, type StoredFile } from '@/lib/domains/files/service'
import type { Context } from './context'
import { assertUnchanged, isFresh, rangeIsCurrent } from './file-preconditions'
import { STALL_TIMEOUT_MS } from './send-stream'

/** What a browser shows without running anything of it. All else is for saving. */
const INERT_TYPE = /^(image\/(png|jpeg|gif|webp|avif|bmp)|(audio|video)\/[\w.+-]+|text\/plain)(;|$)/

type Range = { start: number; end: number }

/**
 * The part that is asked for, of a file that has not changed since; undefined means the whole, also for several parts
 * at once, which RFC 9110 (section 14.2) leaves to us. RANGE_NOT_SATISFIABLE.
 */
function requestedRange(
  req: NextApiRequest,
  file: StoredFile,
  validators: { etag: string; lastModified: string },
): Range | undefined {
  const header = req.headers.range
  if (header === undefined || !rangeIsCurrent(req, validators)) return undefined
  const ranges = parseRange(file.size, header, { combine: true })
  if (ranges === -1) {
    throw new AppError('RANGE_NOT_SATISFIABLE', { headers: { 'Content-Range': `bytes */${file.size}` } })
  }
  if (ranges === -2 || ranges.type !== 'bytes' || ranges.length !== 1) return undefined
  return ranges[0]
}

/** Types that a browser would run are sent for saving, and whatever is opened all the same may do nothing. */
function setContentHeaders(res: NextApiResponse, file: StoredFile): void {
  const type = INERT_TYPE.test(file.mimeType) ? 'inline' : 'attachment'
  res.setHeader('Content-Type', file.mimeType)
  res.setHeader('Content-Disposition', contentDisposition(file.path.split('/').at(-1), { type }))
  res.setHeader('Content-Security-Policy', "default-src 'none'; sandbox; frame-ancestors 'none'")
}

/**
 * Answers with a file's bytes, or a part of them (RFC 9110, sections 13 and 14). A file may become private or another at
 * any time, so that caches ask before each use. NOT_FOUND, PRECONDITION_FAILED, RANGE_NOT_SATISFIABLE.
 */
export async function sendFile(
  req: NextApiRequest,
  res: NextApiResponse,
  { file, wantsHeadOnly }: { file: StoredFile } & Pick<Context, 'wantsHeadOnly'>,
): Promise<void> {
  const validators = { etag: entityTag(file), lastModified: file.updatedAt.toUTCString() }
  assertUnchanged(req, file)
  const isCurrent = isFresh(req, validators)
  const range = isCurrent || wantsHeadOnly ? undefined : requestedRange(req, file, validators)
  const bytes = isCurrent || wantsHeadOnly ? undefined : await openFile(file, range)
  res.setHeader('ETag', validators.etag)
  res.setHeader('Last-Modified', validators.lastModified)
  if (!res.hasHeader('Cache-Control')) {
    res.setHeader('Cache-Control', file.visibility === 'public' ? 'public, no-cache' : 'private, no-cache')
  }
  if (isCurrent) {
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
 * A client that hangs up, or takes nothing for a minute, is nobody's fault; bytes that cannot be read are ours, and cut
 * the answer off.
 */
async function streamTo(res: NextApiResponse, bytes: Readable): Promise<void> {
  let fault: unknown
  bytes.once('error', (error) => {
    if (!res.destroyed) fault = error
  })
  res.setTimeout(STALL_TIMEOUT_MS, () => res.destroy())
  // What fails here closes both ends.
  await pipeline(bytes, res).catch(() => {})
  res.setTimeout(0)
  if (fault !== undefined) throw fault
}
