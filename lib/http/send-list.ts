import type { NextApiRequest, NextApiResponse } from 'next'
import { OFFSET_MAX, type List, type ListRequest } from '@/lib/platform/pagination/query'
import { sendResource } from './etag'

/** Returns the URL of another page of the list, relative to the origin, with the path of the request. */
function pageUrl(req: NextApiRequest, name: 'page' | 'cursor' | 'after', value: string): string {
  const [path = '/', query] = (req.url ?? '/').split('?')
  const parameters = new URLSearchParams(query)
  // The two cannot be combined.
  parameters.delete(name === 'page' ? 'cursor' : 'page')
  parameters.set(name, value)
  return `${path.replace(/[<>"\s]/g, encodeURIComponent)}?${parameters}`
}

/** Builds `Link` (RFC 8288) from pages by relation, omitting those that do not exist. */
export function linksTo(
  req: NextApiRequest,
  name: 'page' | 'cursor' | 'after',
  pages: Record<string, unknown>,
): { Link: string } {
  const links = Object.entries(pages)
    .filter(([, value]) => typeof value === 'string' || typeof value === 'number')
    .map(([relation, value]) => `<${pageUrl(req, name, String(value))}>; rel="${relation}"`)
  return { Link: links.join(', ') }
}

type ListResponse = { plural: string; request: Pick<ListRequest, 'page' | 'limit'>; list: List<unknown> }

/**
 * Builds the body of a list page, under its plural name and with `pagination`, and its `Link`: first, prev, next and last
 * of those within the offset limit, or first and next of a cursor. After a page that ended early, next is by cursor.
 */
export function listResponse(
  req: NextApiRequest,
  response: ListResponse,
): { value: object; headers: { Link: string } } {
  const { plural, list } = response
  const { page = 1, limit } = response.request
  if ('nextCursor' in list) {
    const { nextCursor } = list
    const headers = linksTo(req, 'cursor', { first: '', next: nextCursor })
    return { value: { [plural]: list.items, pagination: { limit, nextCursor } }, headers }
  }
  const pages = Math.ceil(list.total / limit)
  const last = Math.max(pages, 1)
  const reachable = (number: number) => ((number - 1) * limit <= OFFSET_MAX ? number : undefined)
  const { continuation } = list
  const { Link } = linksTo(req, 'page', {
    first: 1,
    prev: page > 1 ? reachable(Math.min(page - 1, last)) : undefined,
    next: continuation === undefined && page < pages ? reachable(page + 1) : undefined,
    last: reachable(last),
  })
  const pagination = { page, limit, total: list.total, pages }
  if (continuation === undefined) return { value: { [plural]: list.items, pagination }, headers: { Link } }
  return {
    value: { [plural]: list.items, pagination: { ...pagination, nextCursor: continuation } },
    headers: { Link: `${Link}, ${linksTo(req, 'cursor', { next: continuation }).Link}` },
  }
}

/** Sends a page of a list with its `ETag`. */
export function sendList(req: NextApiRequest, res: NextApiResponse, response: ListResponse): void {
  const { value, headers } = listResponse(req, response)
  sendResource(req, res, value, { headers })
}
