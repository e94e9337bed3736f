import type { NextApiRequest, NextApiResponse } from 'next'
import { cache } from '@/lib/platform/cache/cache'
import { etagOf } from '@/lib/platform/etag'
import { recordCacheRead } from '@/lib/metrics'
import { sendJsonRepresentation } from './etag'
import { selectFields } from './select-fields'

/** Responses to longer URLs are not cached. */
const KEY_MAX_CHARACTERS = 2_048

/** The value to send, and the headers that describe it. */
type Loaded = { value: unknown; headers?: Record<string, string> }

/**
 * Sends the cached response of a public GET, or the value that `load` returns, as JSON with an `ETag`, or 304. `X-Cache`
 * is `hit` or `miss`. `load` also validates the query, so that a hit costs no more than the lookup; errors are not
 * cached. The response must only depend on the URL.
 *
 * - `tags`: the cache tags of the response; the first is its label in the metrics.
 */
export async function sendCached(
  req: NextApiRequest,
  res: NextApiResponse,
  cached: { tags: readonly string[]; load: () => Promise<Loaded> },
): Promise<void> {
  const { tags, load } = cached
  const make = async () => {
    const { value, headers } = await load()
    const json = JSON.stringify(selectFields(req, value))
    return { body: Buffer.from(json), properties: { ...headers, ETag: etagOf(json) } }
  }
  const key = req.url ?? '/'
  const { entry, hit } =
    key.length > KEY_MAX_CHARACTERS ? { entry: await make(), hit: false } : await cache().read(key, tags, make)
  recordCacheRead(tags[0] ?? '', hit ? 'hit' : 'miss')
  const { ETag: etag, ...headers } = entry.properties
  res.setHeader('X-Cache', hit ? 'hit' : 'miss')
  // Caches must revalidate before reuse.
  res.setHeader('Cache-Control', req.headers.authorization === undefined ? 'public, no-cache' : 'private, no-cache')
  sendJsonRepresentation(req, res, { body: entry.body, etag, headers })
}
