import type { NextApiRequest, NextApiResponse } from 'next'
import { cache } from '@/lib/platform/cache/cache'
import { etagOf } from '@/lib/platform/etag'
import { recordCacheRead } from '@/lib/metrics'
import { isNotModified } from './etag'

/** Longer URLs are answered but not kept. */
const KEY_MAX_CHARACTERS = 2_048

/** What `load` makes: the value to answer with, and headers that belong to it. */
type Loaded = { value: unknown; headers?: Record<string, string> }

/**
 * Answers a public GET with what the cache holds for its URL, or what `load` makes, as JSON with an `ETag`; 304 where
 * the client has it. `X-Cache` says which. `load` also checks the query, so that a hit costs no more than finding it;
 * what it throws is not kept. The answer must depend on the URL alone.
 *
 * - `groups`: what the answer is made from; the first names it in the figures.
 */
export async function sendCached(
  req: NextApiRequest,
  res: NextApiResponse,
  cached: { groups: readonly string[]; load: () => Promise<Loaded> },
): Promise<void> {
  const { groups, load } = cached
  const make = async () => {
    const { value, headers } = await load()
    const json = JSON.stringify(value)
    return { body: Buffer.from(json), properties: { ...headers, ETag: etagOf(json) } }
  }
  const key = req.url ?? '/'
  const { entry, hit } =
    key.length > KEY_MAX_CHARACTERS ? { entry: await make(), hit: false } : await cache().read(key, groups, make)
  recordCacheRead(groups[0] ?? '', hit ? 'hit' : 'miss')
  for (const [name, value] of Object.entries(entry.properties)) res.setHeader(name, value)
  res.setHeader('X-Cache', hit ? 'hit' : 'miss')
  // Whoever keeps it has to ask whether it is still so.
  res.setHeader('Cache-Control', req.headers.authorization === undefined ? 'public, no-cache' : 'private, no-cache')
  if (isNotModified(req, entry.properties['ETag'] ?? '')) {
    res.statusCode = 304
    res.end()
    return
  }
  res.setHeader('Content-Type', 'application/json; charset=utf-8')
  res.setHeader('Content-Length', entry.body.length)
  res.end(entry.body)
}
