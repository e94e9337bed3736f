import type { IncomingMessage } from 'node:http'
import fresh from 'fresh'
import { AppError } from '@/lib/errors'
import { entityTag, type StoredFile } from '@/lib/domains/files/service'

/** The entity tags of a list (RFC 9110, section 8.8.3). */
function entityTags(header: string): string[] {
  return header.match(/(?:W\/)?"[^"]*"/g) ?? []
}

function isUnmodifiedSince(header: string, file: StoredFile): boolean {
  const since = Date.parse(header)
  return Number.isNaN(since) || Math.floor(file.updatedAt.getTime() / 1000) * 1000 <= since
}

/** PRECONDITION_FAILED by `If-Match`, else by `If-Unmodified-Since` (RFC 9110, sections 13.1.1 and 13.1.4). */
export function assertUnchanged(req: IncomingMessage, file: StoredFile | undefined): void {
  const match = req.headers['if-match']
  const since = req.headers['if-unmodified-since']
  if (match !== undefined) {
    const holds = file !== undefined && (match.trim() === '*' || entityTags(match).includes(entityTag(file)))
    if (!holds) throw new AppError('PRECONDITION_FAILED')
  } else if (since !== undefined && file !== undefined && !isUnmodifiedSince(since, file)) {
    throw new AppError('PRECONDITION_FAILED')
  }
}

/** Judges a file by a request's preconditions before it is changed; `If-None-Match: *` wants that there is none. */
export function filePreconditionOf(req: IncomingMessage): (current: StoredFile | undefined) => void {
  return (current) => {
    assertUnchanged(req, current)
    const noneMatch = req.headers['if-none-match']
    if (noneMatch === undefined || current === undefined) return
    const tags = entityTags(noneMatch).map((tag) => tag.replace(/^W\//, ''))
    if (noneMatch.trim() === '*' || tags.includes(entityTag(current))) throw new AppError('PRECONDITION_FAILED')
  }
}

/**
 * Whether the caller has the file as it is (`If-None-Match`, else `If-Modified-Since`). `Cache-Control` of a request speaks
 * to caches on the way, not to us: clients that set a condition by hand send `no-cache` along with it.
 */
export function isFresh(req: IncomingMessage, validators: { etag: string; lastModified: string }): boolean {
  const { 'if-none-match': noneMatch, 'if-modified-since': modifiedSince } = req.headers
  return fresh(
    { 'if-none-match': noneMatch, 'if-modified-since': modifiedSince },
    { etag: validators.etag, 'last-modified': validators.lastModified },
  )
}

/** Whether a range is of the file as it is: `If-Range` (RFC 9110, section 13.1.5) names its tag, or exactly its date. */
export function rangeIsCurrent(req: IncomingMessage, validators: { etag: string; lastModified: string }): boolean {
  const condition = req.headers['if-range']
  if (typeof condition !== 'string') return true
  return condition === validators.etag || Date.parse(condition) === Date.parse(validators.lastModified)
}
