import { LRUCache } from 'lru-cache'
import { processSingleton } from '@/lib/process-singleton'
import type { Actor } from './actor'

/**
 * How long another instance may go on to honour what was ended here (milliseconds). Within this instance `forget…`
 * takes effect at once.
 */
const TTL_MS = 4_000
const CREDENTIALS_MAX = 50_000

/** Who stands behind a session or an API key, and when that ends by itself. */
export type LiveCredential = { actor: Actor; expiresAt: Date | null }

type LiveCredentials = { actors: LRUCache<string, Actor>; changes: number }

const liveCredentials = processSingleton<LiveCredentials>('credentials', () => ({
  actors: new LRUCache({ max: CREDENTIALS_MAX, ttl: TTL_MS }),
  changes: 0,
}))

/**
 * Who a credential speaks for, or undefined when it has ended, expired or was never one. `key` is the id of a session or
 * the hash of an API key; `find` reads it from the database when it was not read within the last seconds.
 */
export async function getCachedActor(
  key: string,
  find: () => Promise<LiveCredential | undefined>,
): Promise<Actor | undefined> {
  const live = liveCredentials()
  const known = live.actors.get(key)
  if (known !== undefined) return known
  const changesBefore = live.changes
  const startedAt = Date.now()
  const found = await find()
  if (found === undefined) return undefined
  // The reading is as old as its beginning, and no credential is honoured beyond its own end.
  const endsAt = Math.min(startedAt + TTL_MS, found.expiresAt?.getTime() ?? Infinity)
  const ttl = endsAt - Date.now()
  // A reading that a change overtook may be of before the change: good for this request, which was there before too, and
  // for no later one.
  if (ttl > 0 && changesBefore === live.changes) live.actors.set(key, found.actor, { ttl })
  return found.actor
}

function forgetWhere(isGone: (actor: Actor) => boolean): void {
  const live = liveCredentials()
  live.changes += 1
  for (const [key, actor] of live.actors.entries()) {
    if (isGone(actor)) live.actors.delete(key)
  }
}

/** Makes the end of a session felt at once. Call it after the commit. */
export function evictSession(sessionId: string): void {
  const live = liveCredentials()
  live.changes += 1
  live.actors.delete(sessionId)
}

/** Makes the end of an API key felt at once. Call it after the commit. */
export function evictApiKey(apiKeyId: string): void {
  forgetWhere((actor) => actor.credential === 'apiKey' && actor.apiKeyId === apiKeyId)
}

/**
 * Makes a change of a user's role, or the end of their account or sessions, felt at once, by API keys too. Call it
 * after the commit.
 */
export function evictUser(userId: number): void {
  forgetWhere((actor) => actor.userId === userId)
}
