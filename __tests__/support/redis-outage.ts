import { Agent } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { PASSWORD } from './factories'
import type { OutageReport } from './run-through-outage'
import { type ReceivedResponse, type Call, send, type Stream } from './load-generator'

const ADMIN = { email: 'admin@outage.test', password: PASSWORD }
const WRITERS = 4
const WRITE_PAUSE_MS = 50

/** Settings for the servers under test. The rate limit counts every caller and is too high to be reached. */
export const cachingSettings = {
  ADMIN_EMAIL: ADMIN.email,
  ADMIN_PASSWORD: ADMIN.password,
  RATE_LIMIT_REQUESTS: '1000000000',
}

/** Results of writes, each of which is followed by reads on both servers. */
export type WriteReport = { writes: number; failed: string[]; stale: string[] }

/** Returns the time from the end of the outage until every stream had a response from the cache. */
export function cachedAgainMs({ seen, endedAt }: OutageReport, streams: readonly Stream[]): number {
  const firstHits = streams.map(({ name: wanted }) =>
    seen.after.find(({ name, response }) => name === wanted && response?.headers['x-cache'] === 'hit'),
  )
  return Math.max(...firstHits.map((hit) => (hit === undefined ? Infinity : hit.startedAt + hit.ms - endedAt)))
}

/** Creates readers of products on two servers, and writers that check that both servers show each write immediately. */
export async function prepareCatalogue(urls: readonly [string, string]): Promise<{
  /** Streams of cached responses, and others. */
  streams: { cached: Stream[]; others: Stream[] }
  startWriting: () => { stop: () => Promise<WriteReport> }
}> {
  const agent = new Agent({ keepAlive: true })
  const json = async (response: Promise<ReceivedResponse | undefined>) => JSON.parse((await response)?.text ?? '{}')
  const { token } = await json(send(agent, urls[0], { method: 'POST', path: '/api/auth/login', body: ADMIN }))
  const newProduct = async () => {
    const body = { sku: crypto.randomUUID(), name: 'Lamp', priceCents: 1990 }
    const { id } = await json(send(agent, urls[0], { method: 'POST', path: '/api/products', token, body }))
    return `/api/products/${id}`
  }
  const path = await newProduct()
  const read: Call = { path }
  const list: Call = { path: '/api/products?limit=5&sort=name' }
  const cached = urls.flatMap((url, index): Stream[] => [
    { name: `product, server ${index + 1}`, url, clients: 4, next: () => read },
    { name: `product list, server ${index + 1}`, url, clients: 1, next: () => list },
  ])
  const others = urls.flatMap((url, index): Stream[] => [
    { name: `who am I, server ${index + 1}`, url, clients: 2, next: () => ({ path: '/api/auth/me', token }) },
    { name: `readiness, server ${index + 1}`, url, clients: 1, next: () => ({ path: '/api/ready' }) },
  ])

  const startWriting = () => {
    const stopping = new AbortController()
    const report: WriteReport = { writes: 0, failed: [], stale: [] }
    const writer = async (_: unknown, number: number): Promise<void> => {
      const own = await newProduct()
      for (let stock = 1; !stopping.signal.aborted; stock += 1) {
        const at = urls[(stock + number) % 2] ?? urls[0]
        const written = await send(agent, at, { method: 'PATCH', path: own, token, body: { stock } })
        report.writes += 1
        if (written?.status !== 200) report.failed.push(`${own} stock ${stock}: ${written?.status} ${written?.text}`)
        // Twice, so that the second response may be cached.
        for (const url of [...urls, ...urls]) {
          const response = await send(agent, url, { path: own })
          const seen = response?.status === 200 ? JSON.parse(response.text).stock : response?.text
          if (seen !== stock) report.stale.push(`${own} stock ${seen} after ${stock}`)
        }
        await sleep(WRITE_PAUSE_MS)
      }
    }
    const writers = Array.from({ length: WRITERS }, writer)
    return {
      stop: async () => {
        stopping.abort()
        await Promise.all(writers)
        return report
      },
    }
  }
  return { streams: { cached, others }, startWriting }
}
