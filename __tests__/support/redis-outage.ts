import { Agent } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { PASSWORD } from './factories'
import type { OutageReport } from './run-through-outage'
import { type ReceivedResponse, type Call, send, type Stream } from './load-generator'

const ADMIN = { email: 'admin@outage.test', password: PASSWORD }
const WRITERS = 4
const WRITE_PAUSE_MS = 50

/** Settings for the servers under test. Nobody gets to the limit, but everybody is counted. */
export const cachingSettings = {
  ADMIN_EMAIL: ADMIN.email,
  ADMIN_PASSWORD: ADMIN.password,
  RATE_LIMIT_REQUESTS: '1000000000',
}

/** What each write was followed by: reads of it by both servers. */
export type WriteReport = { writes: number; failed: string[]; stale: string[] }

/** How long after Redis answered again until every one of these streams had a response from the cache. */
export function cachedAgainMs({ seen, endedAt }: OutageReport, streams: readonly Stream[]): number {
  const firstHits = streams.map(({ name: wanted }) =>
    seen.after.find(({ name, response }) => name === wanted && response?.headers['x-cache'] === 'hit'),
  )
  return Math.max(...firstHits.map((hit) => (hit === undefined ? Infinity : hit.startedAt + hit.ms - endedAt)))
}

/** Readers of a catalogue over several servers, and writers who look whether everybody sees at once what they wrote. */
export async function prepareCatalogue(urls: readonly [string, string]): Promise<{
  /** What is cached, and the rest. */
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
        // Twice, so that the second may come from the cache.
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
