import { prisma } from '@/lib/platform/db/prisma'
import type { FeedEvent } from '@/lib/domains/events/schema'
import { api, type ApiResponse } from './api'

export type ReceivedEvent = Omit<FeedEvent, 'createdAt'> & { createdAt: string }
type Page = { events: ReceivedEvent[]; pagination: { limit: number; nextCursor: string | null } }

/** Returns the id of the last event of the feed, from which `readFeed` can continue. */
export async function feedEnd(): Promise<string> {
  await prisma().$queryRaw`SELECT sequence_events(100000)`
  const [row] = await prisma().$queryRaw<{ id: string }[]>`
    SELECT 'evt_' || lpad(to_hex(last_position), 16, '0') AS id FROM event_feed`
  return row?.id ?? ''
}

/** Reads the feed of a caller to its end. */
export async function readFeed(token: string, after: string, query = ''): Promise<ReceivedEvent[]> {
  const events: ReceivedEvent[] = []
  for (let cursor: string | null = after; cursor !== null;) {
    const page: ApiResponse<Page> = await api<Page>('GET', `/api/events?limit=100&after=${cursor}${query}`, { token })
    expect(page.status).toBe(200)
    events.push(...page.json.events)
    cursor = page.json.pagination.nextCursor
  }
  return events
}

/** Returns events as short texts, such as `post.updated 7` or `post.deleted 7 null`. */
export function summary(events: readonly ReceivedEvent[]): string[] {
  return events.map(({ type, subject, data }) => `${type} ${subject.id}${data === null ? ' null' : ''}`)
}
