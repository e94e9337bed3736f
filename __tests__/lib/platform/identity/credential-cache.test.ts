import { randomUUID } from 'node:crypto'
import {
  evictApiKey,
  evictSession,
  evictUser,
  getCachedActor,
  type LiveCredential,
} from '@/lib/platform/identity/credential-cache'

const credential = (expiresAt: Date | null = null): LiveCredential & { actor: { credential: 'session' } } => ({
  actor: { credential: 'session', userId: 7, role: 'user', sessionId: randomUUID() },
  expiresAt,
})

describe('the cache of valid credentials', () => {
  it('reads a credential once until it expires', async () => {
    const known = credential()
    const find = jest.fn(async () => known)
    for (let request = 0; request < 3; request += 1) {
      expect(await getCachedActor(known.actor.sessionId, find)).toBe(known.actor)
    }
    expect(find).toHaveBeenCalledTimes(1)
  })

  it('is invalidated by deletion of the session, the user or the key', async () => {
    const known = credential()
    const { sessionId } = known.actor
    const find = jest.fn(async () => known)
    await getCachedActor(sessionId, find)
    await evictSession(randomUUID())
    await evictUser(8)
    await evictApiKey(sessionId)
    await getCachedActor(sessionId, find)
    expect(find).toHaveBeenCalledTimes(1)
    for (const forget of [() => evictSession(sessionId), () => evictUser(7)]) {
      await forget()
      expect(await getCachedActor(sessionId, async () => undefined)).toBeUndefined()
      await getCachedActor(sessionId, find)
    }
  })

  it('does not store what was read before a concurrent change', async () => {
    const known = credential()
    const { sessionId } = known.actor
    const overtaken = async () => {
      await evictSession(sessionId)
      return known
    }
    await getCachedActor(sessionId, overtaken)
    expect(await getCachedActor(sessionId, async () => undefined)).toBeUndefined()
  })

  it('does not store a credential beyond its expiry', async () => {
    const known = credential(new Date(Date.now() + 100))
    const { sessionId } = known.actor
    expect(await getCachedActor(sessionId, async () => known)).toBe(known.actor)
    await new Promise((resolve) => setTimeout(resolve, 150))
    expect(await getCachedActor(sessionId, async () => undefined)).toBeUndefined()
  })
})
