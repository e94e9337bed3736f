import type { NextApiRequest, NextApiResponse } from 'next'
import { OFFSET_MAX, type List, type ListRequest } from '@/lib/platform/pagination/query'
import { sendResource } from './etag'

/** The URL of another part of the same list; relative, with the path as it stands in the request. */
function pageUrl(req: NextApiRequest, name: 'page' | 'cursor', value: string): string {
  const [path = '/', query] = (req.url ?? '/').split('?')
  const parameters = new URLSearchParams(query)
  parameters.set(name, value)
  return `${path.replace(/[<>"\s]/g, encodeURIComponent)}?${parameters}`
}

/** `Link` (RFC 8288) out of the parts by relation; those that are not there are left out. */
function linksTo(req: NextApiRequest, name: 'page' | 'cursor', parts: Record<string, unknown>): { Link: string } {
  const links = Object.entries(parts)
    .filter(([, value]) => typeof value === 'string' || typeof value === 'number')
    .map(([relation, value]) => `<${pageUrl(req, name, String(value))}>; rel="${relation}"`)
  return { Link: links.join(', ') }
}

type ListAnswer = { plural: string; request: Pick<ListRequest, 'page' | 'limit'>; list: List<unknown> }

/**
 * The body of a part of a list, under its plural name with `pagination`, and its `Link`: by page first, prev, next and
 * last as far as they can be asked for, by cursor first and next.
 */
export function listResponse(req: NextApiRequest, answer: ListAnswer): { value: object; headers: { Link: string } } {
  const { plural, list } = answer
  const { page = 1, limit } = answer.request
  if ('nextCursor' in list) {
    const { nextCursor } = list
    const headers = linksTo(req, 'cursor', { first: '', next: nextCursor })
    return { value: { [plural]: list.items, pagination: { limit, nextCursor } }, headers }
  }
  const pages = Math.ceil(list.total / limit)
  const last = Math.max(pages, 1)
  const reachable = (number: number) => ((number - 1) * limit <= OFFSET_MAX ? number : undefined)
  const headers = linksTo(req, 'page', {
    first: 1,
    prev: page > 1 ? reachable(Math.min(page - 1, last)) : undefined,
    next: page < pages ? reachable(page + 1) : undefined,
    last: reachable(last),
  })
  return { value: { [plural]: list.items, pagination: { page, limit, total: list.total, pages } }, headers }
}

/** Answers with a part of a list, as `listResponse` makes it, and its `ETag`. */
export function sendList(req: NextApiRequest, res: NextApiResponse, answer: ListAnswer): void {
  const { value, headers } = listResponse(req, answer)
  sendResource(req, res, value, { headers })
}
