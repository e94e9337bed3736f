import { LRUCache } from 'lru-cache'
import type { Actor } from './actor'
import { findActor } from './repository'

/**
 * How long another instance may go on to honour what was ended here (milliseconds). Within this instance `forget…`
 * takes effect at once.
 */
const TTL_MS = 4_000
const SESSIONS_MAX = 50_000

type LiveSessions = { actors: LRUCache<string, Actor>; changes: number }

declare global {
  var hearthLiveSessions: LiveSessions | undefined
}

function liveSessions(): LiveSessions {
  return (globalThis.hearthLiveSessions ??= { actors: new LRUCache({ max: SESSIONS_MAX, ttl: TTL_MS }), changes: 0 })
}

/** Who signed in with this session, or undefined when it has ended, expired or was never one. */
export async function liveActor(sessionId: string): Promise<Actor | undefined> {
  const sessions = liveSessions()
  const known = sessions.actors.get(sessionId)
  if (known !== undefined) return known
  for (;;) {
    // A reading that a change overtook may be of before the change: it is thrown away and made again.
    const changesBefore = sessions.changes
    const actor = await findActor(sessionId)
    if (changesBefore !== sessions.changes) continue
    if (actor !== undefined) sessions.actors.set(sessionId, actor)
    return actor
  }
}

/** Makes the end of a session felt at once. Call it after the commit. */
export function forgetSession(sessionId: string): void {
  const sessions = liveSessions()
  sessions.changes += 1
  sessions.actors.delete(sessionId)
}

/** Makes a change of a user's role, or the end of their sessions, felt at once. Call it after the commit. */
export function forgetUser(userId: number): void {
  const sessions = liveSessions()
  sessions.changes += 1
  for (const [sessionId, actor] of sessions.actors.entries()) {
    if (actor.userId === userId) sessions.actors.delete(sessionId)
  }
}
