import { prisma } from '@/lib/platform/db/prisma'
import { api } from '../../support/api'
import { createApiKey, createSession, createUser, signIn } from '../../support/factories'

const me = async (token: string) => (await api('GET', '/api/auth/me', { token })).status
const logout = (call: Parameters<typeof api>[2]) => api('POST', '/api/auth/logout', call)

describe('POST /api/auth/logout', () => {
  it('revokes the access token immediately, but no other session', async () => {
    const { user, token, refreshToken } = await signIn()
    const other = await createSession(user)
    expect(await me(token)).toBe(200)
    const response = await logout({ token })
    expect([response.status, response.text]).toEqual([204, ''])
    expect(await me(token)).toBe(401)
    expect((await api('POST', '/api/auth/refresh', { json: { refreshToken } })).status).toBe(401)
    expect(await me(other.token)).toBe(200)
  })

  it('accepts a refresh token instead, also together with a revoked access token', async () => {
    const [first, second, ended] = [await signIn(), await signIn(), await signIn()]
    expect((await logout({ json: { refreshToken: first.refreshToken } })).status).toBe(204)
    expect(await me(first.token)).toBe(401)
    await logout({ token: ended.token })
    const both = { token: ended.token, json: { refreshToken: second.refreshToken } }
    expect((await logout(both)).status).toBe(204)
    expect(await me(second.token)).toBe(401)
  })

  it('accepts a rotated refresh token', async () => {
    const { token, refreshToken } = await signIn()
    await api('POST', '/api/auth/refresh', { json: { refreshToken } })
    expect((await logout({ json: { refreshToken } })).status).toBe(204)
    expect(await me(token)).toBe(401)
  })

  it('revokes the session of a valid access token despite an invalid refresh token', async () => {
    const { token } = await signIn()
    expect((await logout({ token, json: { refreshToken: 'not one of ours' } })).status).toBe(204)
    expect(await me(token)).toBe(401)
  })

  it('records a single audit event', async () => {
    const { user, token, refreshToken, sessionId } = await signIn()
    await Promise.all([logout({ token }), logout({ token }), logout({ json: { refreshToken } })])
    const events = await prisma().auditEvent.findMany({ where: { actorId: user.id, action: 'session_ended' } })
    expect(events).toMatchObject([{ details: { sessionId } }])
  })

  it('returns 401 without credentials, for unknown tokens and for expired sessions', async () => {
    expect((await logout({})).json.error.code).toBe('UNAUTHORIZED')
    expect((await logout({ token: 'x.y.z' })).json.error.code).toBe('UNAUTHORIZED')
    expect((await logout({ json: { refreshToken: 'x' } })).json.error.code).toBe('INVALID_TOKEN')
    const { refreshToken, sessionId } = await signIn()
    await prisma().session.update({ where: { id: sessionId }, data: { expiresAt: new Date(0) } })
    expect((await logout({ json: { refreshToken } })).json.error.code).toBe('TOKEN_EXPIRED')
  })

  it('returns 403 for an API key, even with a refresh token', async () => {
    const { user, token, refreshToken } = await signIn()
    const { key } = await createApiKey(user, ['users:write'])
    expect((await logout({ token: key, json: { refreshToken } })).status).toBe(403)
    expect(await me(token)).toBe(200)
  })

  it('returns 400 for an unknown field', async () => {
    const { token } = await signIn()
    expect((await logout({ token, json: { everywhere: true } })).status).toBe(400)
    expect(await me(token)).toBe(200)
  })
})

describe('access token revocation', () => {
  it('takes effect immediately when the user is deleted or the role changes', async () => {
    const admin = await signIn({ role: 'admin' })
    const demoted = await signIn({ role: 'admin' })
    const deleted = await signIn()
    const { key } = await createApiKey(deleted.user, ['users:read'])
    expect((await api('GET', '/api/users', { token: demoted.token })).status).toBe(200)
    expect((await api('GET', '/api/protected', { token: key })).status).toBe(200)
    expect(await me(deleted.token)).toBe(200)
    const json = { role: 'user' }
    expect((await api('PATCH', `/api/users/${demoted.user.id}`, { token: admin.token, json })).status).toBe(200)
    expect((await api('GET', '/api/users', { token: demoted.token })).status).toBe(403)
    expect((await api('DELETE', `/api/users/${deleted.user.id}`, { token: admin.token })).status).toBe(204)
    expect(await me(deleted.token)).toBe(401)
    expect((await api('GET', '/api/protected', { token: key })).status).toBe(401)
  })

  it('is recorded in audit events that outlive the actor', async () => {
    const admin = await signIn({ role: 'admin' })
    const user = await createUser()
    await api('PATCH', `/api/users/${user.id}`, { token: admin.token, json: { role: 'admin' } })
    await api('PATCH', `/api/users/${user.id}`, { token: admin.token, json: { role: 'admin' } })
    await api('DELETE', `/api/users/${user.id}`, { token: admin.token })
    await prisma().user.delete({ where: { id: admin.user.id } })
    const events = await prisma().auditEvent.findMany({ where: { actorId: admin.user.id }, orderBy: { id: 'asc' } })
    expect(events.map(({ action, details }) => [action, details])).toEqual([
      ['sign_in', { sessionId: admin.sessionId, amr: ['pwd'] }],
      ['role_changed', { userId: user.id, role: 'admin' }],
      ['user_deleted', { userId: user.id }],
    ])
  })
})
