import { prisma } from '@/lib/platform/db/prisma'
import { hashOpaqueToken } from '@/lib/platform/crypto/opaque-token'
import { api, type ApiResponse } from '../../support/api'
import { createSession, createUser, signIn } from '../../support/factories'

type Pair = { token: string; refreshToken: string; expiresIn: number }

const refresh = (refreshToken: unknown) => api<Pair>('POST', '/api/auth/refresh', { json: { refreshToken } })
const isSignedIn = async (token: string) => (await api('GET', '/api/auth/me', { token })).status === 200

const errorCodeOf = async (response: Promise<ApiResponse<Pair>>) => {
  const { status, text } = await response
  return [status, JSON.parse(text).error.code]
}

/** Sets the time since a token was rotated. */
async function spentAgo(refreshToken: string, seconds: number): Promise<void> {
  const spentAt = new Date(Date.now() - seconds * 1000)
  await prisma().refreshToken.update({ where: { hash: hashOpaqueToken(refreshToken) }, data: { spentAt } })
}

describe('POST /api/auth/refresh', () => {
  it('returns a new, valid token pair of the same session', async () => {
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

  it('does not extend the session', async () => {
    const { refreshToken, sessionId } = await signIn()
    const before = await prisma().session.findUniqueOrThrow({ where: { id: sessionId } })
    await refresh(refreshToken)
    const after = await prisma().session.findUniqueOrThrow({ where: { id: sessionId } })
    expect(after.expiresAt).toEqual(before.expiresAt)
  })

  it('returns the same refresh token for ten concurrent uses, which starts one chain', async () => {
    const { refreshToken, user, sessionId } = await signIn()
    const pairs = await Promise.all(Array.from({ length: 10 }, () => refresh(refreshToken)))
    expect(pairs.map(({ status }) => status)).toEqual(Array(10).fill(200))
    expect(new Set(pairs.map(({ json }) => json.refreshToken)).size).toBe(1)
    for (const { json } of pairs) expect(await isSignedIn(json.token)).toBe(true)
    expect(await prisma().refreshToken.count({ where: { sessionId } })).toBe(2)
    expect(await prisma().session.count({ where: { userId: user.id } })).toBe(1)
    expect(await prisma().auditEvent.count({ where: { actorId: user.id, action: 'refresh_token_reused' } })).toBe(0)
  })

  it('detects a theft within the grace period when the thief or the owner is the second to refresh again', async () => {
    const { refreshToken } = await signIn()
    const [thief, owner] = [await refresh(refreshToken), await refresh(refreshToken)]
    const next = await refresh(thief.json.refreshToken)
    expect(next.status).toBe(200)
    await spentAgo(thief.json.refreshToken, 11)
    expect(await errorCodeOf(refresh(owner.json.refreshToken))).toEqual([401, 'TOKEN_REUSED'])
    expect(await errorCodeOf(refresh(next.json.refreshToken))).toEqual([401, 'INVALID_TOKEN'])
    expect(await isSignedIn(next.json.token)).toBe(false)
  })

  it('starts the grace period at the first use, not at the last', async () => {
    const { refreshToken } = await signIn()
    await refresh(refreshToken)
    await spentAgo(refreshToken, 9)
    expect((await refresh(refreshToken)).status).toBe(200)
    await spentAgo(refreshToken, 10.1)
    expect(await errorCodeOf(refresh(refreshToken))).toEqual([401, 'TOKEN_REUSED'])
  })

  it('revokes the session when a token is reused after the grace period, and records it', async () => {
    const { refreshToken, sessionId, user } = await signIn()
    const other = await createSession(user)
    const thief = await refresh(refreshToken)
    expect(await isSignedIn(thief.json.token)).toBe(true)
    await spentAgo(refreshToken, 11)
    expect(await errorCodeOf(refresh(refreshToken))).toEqual([401, 'TOKEN_REUSED'])
    expect(await isSignedIn(thief.json.token)).toBe(false)
    expect(await errorCodeOf(refresh(thief.json.refreshToken))).toEqual([401, 'INVALID_TOKEN'])
    expect(await isSignedIn(other.token)).toBe(true)
    const events = await prisma().auditEvent.findMany({ where: { actorId: user.id, action: 'refresh_token_reused' } })
    expect(events).toMatchObject([{ details: { sessionId } }])
  })

  it('revokes the session once for concurrent reuses', async () => {
    const { refreshToken, user } = await signIn()
    await refresh(refreshToken)
    await spentAgo(refreshToken, 11)
    const errorCodeOfs = await Promise.all(Array.from({ length: 5 }, () => errorCodeOf(refresh(refreshToken))))
    expect(errorCodeOfs.filter(([, code]) => code === 'TOKEN_REUSED')).toHaveLength(1)
    expect(errorCodeOfs.map(([status]) => status)).toEqual(Array(5).fill(401))
    expect(await prisma().auditEvent.count({ where: { actorId: user.id, action: 'refresh_token_reused' } })).toBe(1)
  })

  it('returns TOKEN_EXPIRED when the session has expired', async () => {
    const { refreshToken, sessionId } = await signIn()
    await prisma().session.update({ where: { id: sessionId }, data: { expiresAt: new Date(Date.now() - 1) } })
    expect(await errorCodeOf(refresh(refreshToken))).toEqual([401, 'TOKEN_EXPIRED'])
  })

  it('returns INVALID_TOKEN for tokens of revoked sessions, access tokens, API keys and unknown tokens', async () => {
    const { refreshToken, token } = await signIn()
    await api('POST', '/api/auth/logout', { token })
    for (const given of [refreshToken, (await signIn()).token, 'hk_x', `${refreshToken} `, '\u{1F525}']) {
      expect(await errorCodeOf(refresh(given))).toEqual([401, 'INVALID_TOKEN'])
    }
  })

  it('returns 401 without a token', async () => {
    expect(await errorCodeOf(api<Pair>('POST', '/api/auth/refresh'))).toEqual([401, 'UNAUTHORIZED'])
  })

  it.each([1, null, '', 'x'.repeat(1025), ['x']])('returns 400 for %p', async (given) => {
    expect(await errorCodeOf(refresh(given))).toEqual([400, 'VALIDATION_ERROR'])
  })

  it('stores only the hashes of tokens', async () => {
    const { refreshToken, sessionId } = await signIn()
    const [row] = await prisma().refreshToken.findMany({ where: { sessionId } })
    expect(Buffer.from(row?.hash ?? [])).toEqual(Buffer.from(hashOpaqueToken(refreshToken)))
  })

  it('returns INVALID_TOKEN after the user is deleted', async () => {
    const user = await createUser()
    const { refreshToken } = await createSession(user)
    await prisma().user.delete({ where: { id: user.id } })
    expect(await errorCodeOf(refresh(refreshToken))).toEqual([401, 'INVALID_TOKEN'])
  })
})
