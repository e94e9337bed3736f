import { randomUUID } from 'node:crypto'
import { forgetApiKey, forgetSession, forgetUser, liveActor, type LiveCredential } from '@/lib/auth/live-sessions'

const credential = (expiresAt: Date | null = null): LiveCredential & { actor: { credential: 'session' } } => ({
  actor: { credential: 'session', userId: 7, role: 'user', sessionId: randomUUID() },
  expiresAt,
})

describe('what is known of a live credential', () => {
  it('is read once in a while', async () => {
    const known = credential()
    const find = jest.fn(async () => known)
    for (let request = 0; request < 3; request += 1) {
      expect(await liveActor(known.actor.sessionId, find)).toBe(known.actor)
    }
    expect(find).toHaveBeenCalledTimes(1)
  })

  it('is forgotten with the session, the user or the key, and with nothing else', async () => {
    const known = credential()
    const { sessionId } = known.actor
    const find = jest.fn(async () => known)
    await liveActor(sessionId, find)
    forgetSession(randomUUID())
    forgetUser(8)
    forgetApiKey(sessionId)
    await liveActor(sessionId, find)
    expect(find).toHaveBeenCalledTimes(1)
    for (const forget of [() => forgetSession(sessionId), () => forgetUser(7)]) {
      forget()
      expect(await liveActor(sessionId, async () => undefined)).toBeUndefined()
      await liveActor(sessionId, find)
    }
  })

  it('is not kept when a change overtook the reading', async () => {
    const known = credential()
    const { sessionId } = known.actor
    const overtaken = async () => {
      forgetSession(sessionId)
      return known
    }
    await liveActor(sessionId, overtaken)
    expect(await liveActor(sessionId, async () => undefined)).toBeUndefined()
  })

  it('is not kept beyond the credential’s own end', async () => {
    const known = credential(new Date(Date.now() + 100))
    const { sessionId } = known.actor
    expect(await liveActor(sessionId, async () => known)).toBe(known.actor)
    await new Promise((resolve) => setTimeout(resolve, 150))
    expect(await liveActor(sessionId, async () => undefined)).toBeUndefined()
  })
})
