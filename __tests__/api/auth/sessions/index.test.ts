import { prisma } from '@/lib/platform/db/prisma'
import type { Session } from '@/lib/domains/auth/sessions/schema'
import { evictUser } from '@/lib/platform/identity/credential-cache'
import { api } from '../../../support/api'
import { createSession, createUser, PASSWORD, signIn } from '../../../support/factories'

type Sessions = { sessions: Session[] }

const me = async (token: string) => (await api('GET', '/api/auth/me', { token })).status

const list = async (token: string) => (await api<Sessions>('GET', '/api/auth/sessions', { token })).json.sessions

describe('GET /api/auth/sessions', () => {
  it('lists device, IP and the current session', async () => {
    const { email } = await createUser()
    const headers = { 'User-Agent': 'Firefox on the sofa' }
    const { json } = await api('POST', '/api/auth/login', { json: { email, password: PASSWORD }, headers })
    await api('POST', '/api/auth/login', { json: { email, password: PASSWORD }, headers: { 'User-Agent': 'Phone' } })
    const sessions = await list(json.token)
    expect(sessions).toHaveLength(2)
    expect(Object.keys(sessions[0] ?? {}).sort()).toEqual(
      ['amr', 'createdAt', 'current', 'expiresAt', 'id', 'ip', 'lastUsedAt', 'userAgent'].sort(),
    )
    expect(sessions.find(({ current }) => current)?.userAgent).toBe('Firefox on the sofa')
    expect(sessions.find(({ current }) => !current)?.userAgent).toBe('Phone')
    expect(sessions[0]?.ip).toMatch(/^(127\.0\.0\.1|::1)$/)
  })

  it('omits sessions of other users and expired sessions', async () => {
    const { user, token, sessionId } = await signIn()
    const expired = await createSession(user)
    await prisma().session.update({ where: { id: expired.sessionId }, data: { expiresAt: new Date() } })
    await signIn()
    expect((await list(token)).map(({ id }) => id)).toEqual([sessionId])
  })

  it('updates lastUsedAt at most once a minute', async () => {
    const { user, token, sessionId } = await signIn()
    const where = { id: sessionId }
    const lastUse = async () => (await prisma().session.findUniqueOrThrow({ where })).lastUsedAt.getTime()
    const hourAgo = new Date(Date.now() - 3_600_000)
    await prisma().session.update({ where, data: { lastUsedAt: hourAgo } })
    await me(token)
    const noted = await lastUse()
    expect(noted).toBeGreaterThan(hourAgo.getTime())
    // Simulates the expiry of the cached session.
    await evictUser(user.id)
    await me(token)
    expect(await lastUse()).toBe(noted)
  })

  it('updates the client on refresh', async () => {
    const { token, refreshToken } = await signIn()
    await api('POST', '/api/auth/refresh', { json: { refreshToken }, headers: { 'User-Agent': 'Laptop, updated' } })
    expect((await list(token))[0]?.userAgent).toBe('Laptop, updated')
  })
})

describe('DELETE /api/auth/sessions', () => {
  it('immediately revokes all sessions of the user except the current one', async () => {
    const { user, token, sessionId } = await signIn()
    const others = [await createSession(user), await createSession(user)]
    const otherUser = await signIn()
    for (const other of others) expect(await me(other.token)).toBe(200)
    expect((await api('DELETE', '/api/auth/sessions', { token })).status).toBe(204)
    for (const other of others) expect(await me(other.token)).toBe(401)
    expect([await me(token), await me(otherUser.token)]).toEqual([200, 200])
    expect((await list(token)).map(({ id }) => id)).toEqual([sessionId])
  })

  it('leaves at least one of two sessions that revoke each other concurrently', async () => {
    const { user, token } = await signIn()
    const other = await createSession(user)
    const ends = [token, other.token].map((each) => api('DELETE', '/api/auth/sessions', { token: each }))
    const statuses = (await Promise.all(ends)).map(({ status }) => status)
    expect(statuses.every((status) => status === 204 || status === 401)).toBe(true)
    expect(await prisma().session.count({ where: { userId: user.id } })).toBeLessThanOrEqual(1)
  })
})

describe('concurrent session revocations', () => {
  it('do not deadlock', async () => {
    for (let round = 0; round < 5; round += 1) {
      const { user, token } = await signIn()
      const tokens = [token]
      for (let made = 0; made < 4; made += 1) tokens.push((await createSession(user)).token)
      const passwords = { currentPassword: PASSWORD, newPassword: 'a better horse' }
      const responses = await Promise.all([
        ...tokens.slice(0, 3).map((each) => api('DELETE', '/api/auth/sessions', { token: each })),
        api('POST', '/api/auth/change-password', { token: tokens[3], json: passwords }),
        api('POST', '/api/auth/login', { json: { email: user.email, password: PASSWORD } }),
        api('DELETE', `/api/users/${user.id}`, { token: tokens[4] }),
      ])
      for (const { status } of responses) expect([200, 204, 401]).toContain(status)
    }
  })
})
