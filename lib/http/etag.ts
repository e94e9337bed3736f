import type { NextApiRequest, NextApiResponse } from 'next'
import { etagOf, type Precondition } from '@/lib/platform/etag'
import { AppError } from '@/lib/errors'
import { sendJsonText } from './respond'

/** RFC 9110, section 8.8.3: visible ASCII except the quote, and bytes beyond ASCII. */
const ENTITY_TAG = /(W\/)?"[\x21\x23-\x7e\x80-\xff]*"/g

/** Returns whether a list of entity tags, or `*`, matches a strong tag. */
function matchesETag(header: string, tag: string, comparison: 'strong' | 'weak'): boolean {
  if (header.trim() === '*') return true
  const tags = header.match(ENTITY_TAG) ?? []
  return tags.some((given) => given === tag || (comparison === 'weak' && given === `W/${tag}`))
}

/**
 * Builds the precondition for a write from `If-Match` and `If-None-Match` (RFC 9110, sections 13.1.1 and 13.1.2);
 * undefined without them. A weak tag never matches `If-Match`. The service checks it after it found the resource: a
 * precondition only applies to requests that would succeed without it (section 13.2.1), so a missing one is 404.
 */
export function preconditionOf(req: NextApiRequest): Precondition | undefined {
  const match = req.headers['if-match']
  const noneMatch = req.headers['if-none-match']
  if (match === undefined && noneMatch === undefined) return undefined
  return (current) => {
    const tag = etagOf(JSON.stringify(current))
    const fits =
      (match === undefined || matchesETag(match, tag, 'strong')) &&
      (noneMatch === undefined || !matchesETag(noneMatch, tag, 'weak'))
    if (!fits) throw new AppError('PRECONDITION_FAILED')
  }
}

/** Returns whether `If-None-Match` of a GET matches the ETag, so that the response is 304. */
export function isNotModified(req: NextApiRequest, tag: string): boolean {
  const noneMatch = req.headers['if-none-match']
  return req.method === 'GET' && noneMatch !== undefined && matchesETag(noneMatch, tag, 'weak')
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
  const body = JSON.stringify(value)
  const tag = etagOf(body)
  res.setHeader('ETag', tag)
  if (isNotModified(req, tag)) {
    res.statusCode = 304
    res.end()
    return
  }
  for (const [name, header] of Object.entries(headers)) res.setHeader(name, header)
  sendJsonText(res, body)
}
