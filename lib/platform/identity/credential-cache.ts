import { LRUCache } from 'lru-cache'
import { openTransaction } from '@/lib/platform/db/prisma'
import { afterCommit } from '@/lib/platform/db/transaction'
import { onCall, publish } from '@/lib/platform/processes/process-group'
import { processSingleton } from '@/lib/process-singleton'
import type { Actor } from './actor'

/** How long another instance may keep accepting a credential that was revoked here. */
const TTL_MS = 4_000
const CREDENTIALS_MAX = 50_000

/** The actor of a session or API key, and when the credential expires. */
export type LiveCredential = { actor: Actor; expiresAt: Date | null }

type LiveCredentials = { actors: LRUCache<string, Actor>; changes: number }

const liveCredentials = processSingleton<LiveCredentials>('credentials', () => {
  onCall('evict-session', ([sessionId = '']) => evictSessionHere(sessionId))
  onCall('evict-api-key', ([apiKeyId = '']) => evictApiKeyHere(apiKeyId))
  onCall('evict-user', ([userId]) => evictUserHere(Number(userId)))
  onCall('evict-all', () => evictWhere(() => true))
  return { actors: new LRUCache({ max: CREDENTIALS_MAX, ttl: TTL_MS }), changes: 0 }
})

/** Returns the actor of a credential that was read within the last seconds, without a query. */
export function peekCachedActor(key: string): Actor | undefined {
  return liveCredentials().actors.get(key)
}

/**
 * Returns the actor of a credential, or undefined when it is revoked, expired or unknown. `key` is the id of a session or
 * the hash of an API key; `find` reads it from the database unless it was read within the last seconds.
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
  // Count the TTL from when the read started, and never past the credential's own expiry.
  const endsAt = Math.min(startedAt + TTL_MS, found.expiresAt?.getTime() ?? Infinity)
  const ttl = endsAt - Date.now()
  // If a credential was revoked during the read, use the result for this request only and do not cache it.
  if (ttl > 0 && openTransaction() === undefined && changesBefore === live.changes)
    live.actors.set(key, found.actor, { ttl })
  return found.actor
}

function evictWhere(isRevoked: (actor: Actor) => boolean): void {
  const live = liveCredentials()
  live.changes += 1
  for (const [key, actor] of live.actors.entries()) {
    if (isRevoked(actor)) live.actors.delete(key)
  }
}

function evictSessionHere(sessionId: string): void {
  const live = liveCredentials()
  live.changes += 1
  live.actors.delete(sessionId)
}

function evictApiKeyHere(apiKeyId: string): void {
  evictWhere((actor) => actor.credential === 'apiKey' && actor.apiKeyId === apiKeyId)
}

function evictUserHere(userId: number): void {
  evictWhere((actor) => actor.userId === userId)
}

/**
 * Evicts in this process and in the others of this server. Within a larger transaction the credential is still valid for
 * all other requests, so this waits for its commit.
 */
async function evictEverywhere(evictHere: () => void, topic: string, value: string): Promise<void> {
  await afterCommit(async () => {
    evictHere()
    await publish(topic, [value])
  })
}

/** Evicts a revoked session. Call it after the commit. */
export async function evictSession(sessionId: string): Promise<void> {
  await evictEverywhere(() => evictSessionHere(sessionId), 'evict-session', sessionId)
}

/** Evicts a revoked API key. Call it after the commit. */
export async function evictApiKey(apiKeyId: string): Promise<void> {
  await evictEverywhere(() => evictApiKeyHere(apiKeyId), 'evict-api-key', apiKeyId)
}

/** Evicts a user's sessions and API keys after a change of role or a deletion. Call it after the commit. */
export async function evictUser(userId: number): Promise<void> {
  await evictEverywhere(() => evictUserHere(userId), 'evict-user', String(userId))
}
