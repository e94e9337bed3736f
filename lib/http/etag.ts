import type { NextApiRequest, NextApiResponse } from 'next'
import { etagOf, type Precondition, type Validators } from '@/lib/platform/etag'
import { AppError } from '@/lib/errors'
import { negotiateEncoding, sendEncoded } from './compression'
import { JSON_TYPE } from './respond'
import { selectFields } from './select-fields'

/** RFC 9110, section 8.8.3: visible ASCII except the quote, and bytes beyond ASCII. */
const ENTITY_TAG = /(W\/)?"[\x21\x23-\x7e\x80-\xff]*"/g

/** Returns whether a list of entity tags, or `*`, matches a strong tag. */
function matchesETag(header: string, tag: string, comparison: 'strong' | 'weak'): boolean {
  if (header.trim() === '*') return true
  const tags = header.match(ENTITY_TAG) ?? []
  return tags.some((given) => given === tag || (comparison === 'weak' && given === `W/${tag}`))
}

/**
 * Checks `If-Match`, else `If-Unmodified-Since` (RFC 9110, sections 13.1.1 and 13.1.4). A weak tag never matches.
 *
 * @throws PRECONDITION_FAILED when the representation has changed, or `If-Match` is set and there is none
 */
export function assertUnchanged(req: NextApiRequest, current: Validators | undefined): void {
  const { 'if-match': match, 'if-unmodified-since': since } = req.headers
  const holds =
    match === undefined
      ? since === undefined || !(Date.parse(current?.lastModified ?? '') > Date.parse(since))
      : current !== undefined && matchesETag(match, current.etag, 'strong')
  if (!holds) throw new AppError('PRECONDITION_FAILED')
}

/**
 * Checks all preconditions of a write; `current` is undefined if there is no representation.
 *
 * @throws PRECONDITION_FAILED when the representation has changed, or `If-None-Match` matches it
 */
export function assertPreconditions(req: NextApiRequest, current: Validators | undefined): void {
  assertUnchanged(req, current)
  const noneMatch = req.headers['if-none-match']
  if (noneMatch !== undefined && current !== undefined && matchesETag(noneMatch, current.etag, 'weak')) {
    throw new AppError('PRECONDITION_FAILED')
  }
}

/**
 * Builds the precondition for a write to a JSON resource; undefined without `If-Match` and `If-None-Match`. The service
 * checks it after it found the resource: a precondition only applies to requests that would succeed without it
 * (RFC 9110, section 13.2.1), so a missing one is 404.
 */
export function preconditionOf(req: NextApiRequest): Precondition | undefined {
  if (req.headers['if-match'] === undefined && req.headers['if-none-match'] === undefined) return undefined
  return (current) => assertPreconditions(req, { etag: etagOf(JSON.stringify(current)) })
}

/**
 * Returns whether to respond to a GET with 304: `If-None-Match` matches, else nothing changed since `If-Modified-Since`
 * (sections 13.1.2 and 13.1.3). `Cache-Control: no-cache` of a request does not prevent it: that is meant for caches, and
 * clients that set a condition themselves send it along.
 */
export function isNotModified(req: NextApiRequest, { etag, lastModified = '' }: Validators): boolean {
  if (req.method !== 'GET') return false
  const { 'if-none-match': noneMatch, 'if-modified-since': since = '' } = req.headers
  if (noneMatch !== undefined) return matchesETag(noneMatch, etag, 'weak')
  return Date.parse(lastModified) <= Date.parse(since)
}

/** Returns whether a range is of the current representation: `If-Range` (section 13.1.5) is its tag or exactly its date. */
export function isRangeCurrent(req: NextApiRequest, { etag, lastModified = '' }: Validators): boolean {
  const condition = req.headers['if-range']
  if (typeof condition !== 'string') return true
  return condition === etag || Date.parse(condition) === Date.parse(lastModified)
}

/**
 * Sends a value as JSON with its `ETag`, or 304 if `If-None-Match` of a GET matches. `headers` describe the body, so a
 * 304 omits them; those that it must have (RFC 9110, section 15.4.5: `Cache-Control`, `Vary`) are set by the caller.
 */
export function sendResource(
  req: NextApiRequest,
  res: NextApiResponse,
  value: unknown,
  { headers = {} }: { headers?: Record<string, string> } = {},
): void {
  const json = JSON.stringify(selectFields(req, value))
  sendJsonRepresentation(req, res, { body: Buffer.from(json), etag: etagOf(json), headers })
}

/** Sends serialised JSON with its `ETag`, or 304, like `sendResource`. */
export function sendJsonRepresentation(
  req: NextApiRequest,
  res: NextApiResponse,
  { body, etag, headers }: { body: Buffer; etag: string; headers: Record<string, string> },
): void {
  res.setHeader('ETag', etag)
  res.setHeader('Content-Type', JSON_TYPE)
  const encoding = negotiateEncoding(res, body.length)
  if (isNotModified(req, { etag })) {
    res.removeHeader('Content-Type')
    res.removeHeader('Content-Encoding')
    res.statusCode = 304
    res.end()
    return
  }
  for (const [name, header] of Object.entries(headers)) res.setHeader(name, header)
  sendEncoded(res, body, encoding)
}
