import type { NextApiRequest, NextApiResponse } from 'next'
import type { Page, PageRequest } from '@/lib/lists'
import { sendJson } from './respond'

/** A URL of the same list, at another page. */
function urlOfPage(req: NextApiRequest, page: number): string {
  const [path, query] = (req.url ?? '/').split('?')
  const parameters = new URLSearchParams(query)
  parameters.set('page', String(page))
  return `${path}?${parameters}`
}

/** Links to the pages around this one (RFC 8288). */
function pageLinks(req: NextApiRequest, page: number, pages: number): string {
  const links: string[] = []
  const add = (relation: string, target: number) => links.push(`<${urlOfPage(req, target)}>; rel="${relation}"`)
  add('first', 1)
  if (page > 1) add('prev', Math.min(page - 1, Math.max(pages, 1)))
  if (page < pages) add('next', page + 1)
  add('last', Math.max(pages, 1))
  return links.join(', ')
}

/** Answers with one page of a list under its plural name. */
export function sendPage(
  req: NextApiRequest,
  res: NextApiResponse,
  list: { plural: string; request: PageRequest; page: Page<unknown> },
): void {
  const { page, limit } = list.request
  const pages = Math.ceil(list.page.total / limit)
  res.setHeader('Link', pageLinks(req, page, pages))
  sendJson(res, { [list.plural]: list.page.items, pagination: { page, limit, total: list.page.total, pages } })
}
