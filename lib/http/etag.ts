import type { NextApiRequest, NextApiResponse } from 'next'
import { etagOf, type Precondition } from '@/lib/platform/etag'
import { AppError } from '@/lib/errors'
import { sendJsonText } from './respond'

/** RFC 9110, section 8.8.3: visible ASCII but the quote, and bytes beyond ASCII. */
const ENTITY_TAG = /(W\/)?"[\x21\x23-\x7e\x80-\xff]*"/g

/** Whether a header's list of entity tags, or `*`, names this strong tag. */
function names(header: string, tag: string, comparison: 'strong' | 'weak'): boolean {
  if (header.trim() === '*') return true
  const tags = header.match(ENTITY_TAG) ?? []
  return tags.some((given) => given === tag || (comparison === 'weak' && given === `W/${tag}`))
}

/**
 * What `If-Match` and `If-None-Match` ask of the thing before it is changed (RFC 9110, sections 13.1.1 and 13.1.2), to be
 * handed to the service; undefined where they ask nothing. A weak tag never fits `If-Match`. A thing that is not there
 * is 404 whatever the header says: a precondition only counts where the answer would be a success without it (13.2.1).
 */
export function preconditionOf(req: NextApiRequest): Precondition | undefined {
  const match = req.headers['if-match']
  const noneMatch = req.headers['if-none-match']
  if (match === undefined && noneMatch === undefined) return undefined
  return (current) => {
    const tag = etagOf(JSON.stringify(current))
    const fits =
      (match === undefined || names(match, tag, 'strong')) &&
      (noneMatch === undefined || !names(noneMatch, tag, 'weak'))
    if (!fits) throw new AppError('PRECONDITION_FAILED')
  }
}

/** Whether a `GET` says in `If-None-Match` that the client has what this tag stands for. */
export function isNotModified(req: NextApiRequest, tag: string): boolean {
  const noneMatch = req.headers['if-none-match']
  return req.method === 'GET' && noneMatch !== undefined && names(noneMatch, tag, 'weak')
}

/**
 * Answers with a value as JSON and its `ETag`; a `GET` whose `If-None-Match` names it gets 304 and no body. What a 304
 * must carry (RFC 9110, section 15.4.5: `Cache-Control`, `Vary`) is set before; `headers` describe the body and stay away.
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
