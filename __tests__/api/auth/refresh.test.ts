import { prisma } from '@/lib/platform/db/prisma'
import { hashOpaqueToken } from '@/lib/platform/crypto/opaque-token'
import { api, type ApiResponse } from '../../support/api'
import { createSession, createUser, signIn } from '../../support/factories'

type Pair = { token: string; refreshToken: string; expiresIn: number }

const refresh = (refreshToken: unknown) => api<Pair>('POST', '/api/auth/refresh', { json: { refreshToken } })
const isSignedIn = async (token: string) => (await api('GET', '/api/auth/me', { token })).status === 200

const refusal = async (response: Promise<ApiResponse<Pair>>) => {
  const { status, text } = await response
  return [status, JSON.parse(text).error.code]
}

/** Makes a token look as if it had been spent this long ago. */
async function spentAgo(refreshToken: string, seconds: number): Promise<void> {
  const spentAt = new Date(Date.now() - seconds * 1000)
  await prisma().refreshToken.update({ where: { hash: hashOpaqueToken(refreshToken) }, data: { spentAt } })
}

describe('POST /api/auth/refresh', () => {
  it('answers a new pair of the same session, whose tokens work', async () => {
    const { refreshToken, sessionId, user } = await signIn()
    const first = await refresh(refreshToken)
    expect(first.status).toBe(200)
    expect(Object.keys(first.json).sort()).toEqual(['expiresIn', 'refreshToken', 'token'])
    expect(first.json.refreshToken).not.toBe(refreshToken)
    expect(first.headers.get('cache-control')).toBe('no-store')
    expect(await isSignedIn(first.json.token)).toBe(true)
    expect((await refresh(first.json.refreshToken)).status).toBe(200)
    expect(await prisma().session.findMany({ where: { userId: user.id }, select: { id: true } })).toEqual([
      { id: sessionId },
    ])
  })

  it('does not make a sign-in last longer', async () => {
    const { refreshToken, sessionId } = await signIn()
    const before = await prisma().session.findUniqueOrThrow({ where: { id: sessionId } })
    await refresh(refreshToken)
    const after = await prisma().session.findUniqueOrThrow({ where: { id: sessionId } })
    expect(after.expiresAt).toEqual(before.expiresAt)
  })

  it('gives ten uses at once ten pairs of one session, each of which goes on working', async () => {
    const { refreshToken, user } = await signIn()
    const pairs = await Promise.all(Array.from({ length: 10 }, () => refresh(refreshToken)))
    expect(pairs.map(({ status }) => status)).toEqual(Array(10).fill(200))
    expect(new Set(pairs.map(({ json }) => json.refreshToken)).size).toBe(10)
    await spentAgo(refreshToken, 3600)
    for (const { json } of pairs) {
      const next = await refresh(json.refreshToken)
      expect(next.status).toBe(200)
      await spentAgo(json.refreshToken, 3600)
      expect((await refresh(next.json.refreshToken)).status).toBe(200)
      expect(await isSignedIn(next.json.token)).toBe(true)
    }
    expect(await prisma().session.count({ where: { userId: user.id } })).toBe(1)
    expect(await prisma().auditEvent.count({ where: { actorId: user.id, action: 'refresh_token_reused' } })).toBe(0)
  })

  it('counts the grace from the first use, not from the last', async () => {
    const { refreshToken } = await signIn()
    await refresh(refreshToken)
    await spentAgo(refreshToken, 9)
    expect((await refresh(refreshToken)).status).toBe(200)
    await spentAgo(refreshToken, 10.1)
    expect(await refusal(refresh(refreshToken))).toEqual([401, 'TOKEN_REUSED'])
  })

  it('takes a use after the grace for a theft: the session ends for both, at once, and it is kept', async () => {
    const { refreshToken, sessionId, user } = await signIn()
    const other = await createSession(user)
    const thief = await refresh(refreshToken)
    expect(await isSignedIn(thief.json.token)).toBe(true)
    await spentAgo(refreshToken, 11)
    expect(await refusal(refresh(refreshToken))).toEqual([401, 'TOKEN_REUSED'])
    expect(await isSignedIn(thief.json.token)).toBe(false)
    expect(await refusal(refresh(thief.json.refreshToken))).toEqual([401, 'INVALID_TOKEN'])
    expect(await isSignedIn(other.token)).toBe(true)
    const events = await prisma().auditEvent.findMany({ where: { actorId: user.id, action: 'refresh_token_reused' } })
    expect(events).toMatchObject([{ details: { sessionId } }])
  })

  it('ends the session once, however many stolen uses come at the same time', async () => {
    const { refreshToken, user } = await signIn()
    await refresh(refreshToken)
    await spentAgo(refreshToken, 11)
    const refusals = await Promise.all(Array.from({ length: 5 }, () => refusal(refresh(refreshToken))))
    expect(refusals.filter(([, code]) => code === 'TOKEN_REUSED')).toHaveLength(1)
    expect(refusals.map(([status]) => status)).toEqual(Array(5).fill(401))
    expect(await prisma().auditEvent.count({ where: { actorId: user.id, action: 'refresh_token_reused' } })).toBe(1)
  })

  it('refuses a token whose session has expired', async () => {
    const { refreshToken, sessionId } = await signIn()
    await prisma().session.update({ where: { id: sessionId }, data: { expiresAt: new Date(Date.now() - 1) } })
    expect(await refusal(refresh(refreshToken))).toEqual([401, 'TOKEN_EXPIRED'])
  })

  it('refuses tokens of ended sessions, access tokens, API keys and inventions', async () => {
    const { refreshToken, token } = await signIn()
    await api('POST', '/api/auth/logout', { token })
    for (const given of [refreshToken, (await signIn()).token, 'hk_x', `${refreshToken} `, '\u{1F525}']) {
      expect(await refusal(refresh(given))).toEqual([401, 'INVALID_TOKEN'])
    }
  })

  it('refuses a request without a token', async () => {
    expect(await refusal(api<Pair>('POST', '/api/auth/refresh'))).toEqual([401, 'UNAUTHORIZED'])
  })

  it.each([1, null, '', 'x'.repeat(1025), ['x']])('says that %p is no token', async (given) => {
    expect(await refusal(refresh(given))).toEqual([400, 'VALIDATION_ERROR'])
  })

  it('keeps only the hashes of tokens', async () => {
    const { refreshToken, sessionId } = await signIn()
    const [row] = await prisma().refreshToken.findMany({ where: { sessionId } })
    expect(Buffer.from(row?.hash ?? [])).toEqual(Buffer.from(hashOpaqueToken(refreshToken)))
  })

  it('does not outlive the user', async () => {
    const user = await createUser()
    const { refreshToken } = await createSession(user)
    await prisma().user.delete({ where: { id: user.id } })
    expect(await refusal(refresh(refreshToken))).toEqual([401, 'INVALID_TOKEN'])
  })
})
