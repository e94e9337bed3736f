import { prisma } from '@/lib/platform/db/prisma'
import { api } from '../../support/api'
import { ageAuthentication, createApiKey, createSession, PASSWORD, signIn } from '../../support/factories'
import { useLimits, useNoLimits } from '../../support/rate-limits'

const reauthenticate = (token: string, json: object = { password: PASSWORD }) =>
  api('POST', '/api/auth/reauthenticate', { token, json })
const createKey = (token: string) =>
  api('POST', '/api/api-keys', { token, json: { name: 'tests', scopes: ['users:read'] } })

afterEach(useNoLimits)

describe('POST /api/auth/reauthenticate', () => {
  it('renews the proof of identity of this session only, and records it', async () => {
    const { user, token, sessionId } = await signIn()
    const other = await createSession(user)
    await Promise.all([ageAuthentication(sessionId), ageAuthentication(other.sessionId)])
    const rejected = await createKey(token)
    expect([rejected.status, rejected.json.error.code]).toEqual([403, 'REAUTHENTICATION_REQUIRED'])
    expect((await reauthenticate(token)).status).toBe(204)
    expect((await createKey(token)).status).toBe(201)
    expect((await createKey(other.token)).status).toBe(403)
    expect(await prisma().auditEvent.count({ where: { actorId: user.id, action: 'reauthenticated' } })).toBe(1)
  })

  it('returns 401 for a wrong password, renews nothing and records it', async () => {
    const { user, token, sessionId } = await signIn()
    await ageAuthentication(sessionId)
    const response = await reauthenticate(token, { password: 'wrong horse' })
    expect([response.status, response.json.error.code]).toEqual([401, 'INVALID_CREDENTIALS'])
    expect((await createKey(token)).status).toBe(403)
    expect(await prisma().auditEvent.count({ where: { actorId: user.id, action: 'reauthentication_failed' } })).toBe(1)
  })

  it('is renewed by a change of password, but not by a refresh', async () => {
    const { token, refreshToken, sessionId } = await signIn()
    await ageAuthentication(sessionId)
    const refreshed = await api('POST', '/api/auth/refresh', { json: { refreshToken } })
    expect((await createKey(refreshed.json.token)).status).toBe(403)
    const json = { currentPassword: PASSWORD, newPassword: 'a better horse' }
    expect((await api('POST', '/api/auth/change-password', { token, json })).status).toBe(204)
    expect((await createKey(token)).status).toBe(201)
  })

  it('is limited like login', async () => {
    useLimits({ loginAttempts: 2 })
    const { token } = await signIn()
    const statuses: number[] = []
    for (let attempt = 0; attempt < 3; attempt += 1) {
      statuses.push((await reauthenticate(token, { password: 'wrong horse' })).status)
    }
    expect(statuses).toEqual([401, 401, 429])
  })

  it('returns 403 for an API key', async () => {
    const { user } = await signIn()
    const { key } = await createApiKey(user, ['users:write'])
    expect((await reauthenticate(key)).status).toBe(403)
  })

  it.each([{}, { password: '' }, { password: PASSWORD, userId: 1 }])('returns 400 for %j', async (json) => {
    const { token } = await signIn()
    expect((await reauthenticate(token, json)).status).toBe(400)
  })
})

/** Another server revokes or changes what this one has cached: the rows change, but nothing is evicted here. */
describe('a session that another server has revoked', () => {
  async function createCachedSession() {
    const caller = await signIn({ role: 'admin' })
    expect((await api('GET', '/api/protected', { token: caller.token })).status).toBe(200)
    return caller
  }

  it('creates and deletes no key, changes no address, role or password and deletes no account', async () => {
    const [{ user, token, sessionId }, other] = [await createCachedSession(), await signIn()]
    const { id } = await createApiKey(user, ['users:read'])
    await prisma().session.delete({ where: { id: sessionId } })
    const account = { email: `new-${user.email}`, password: PASSWORD, role: 'admin' }
    const responses = [
      await createKey(token),
      await api('DELETE', `/api/api-keys/${id}`, { token }),
      await api('PATCH', `/api/users/${user.id}`, { token, json: { email: `moved-${user.email}` } }),
      await api('PATCH', `/api/users/${other.user.id}`, { token, json: { role: 'admin' } }),
      await api('POST', '/api/users', { token, json: account }),
      await api('DELETE', `/api/users/${other.user.id}`, { token }),
      await reauthenticate(token),
      await api('POST', '/api/auth/change-password', {
        token,
        json: { currentPassword: PASSWORD, newPassword: 'a better horse' },
      }),
    ]
    expect(responses.map(({ status }) => status)).toEqual(responses.map(() => 401))
  })

  it('has the role that the user has now', async () => {
    const [{ user, token }, other] = [await createCachedSession(), await signIn()]
    const otherKey = await createApiKey(other.user, ['users:read'])
    await prisma().user.update({ where: { id: user.id }, data: { role: 'user' } })
    const account = { email: `new-${user.email}`, password: PASSWORD, role: 'admin' }
    const json = { role: 'admin' }
    const responses = [
      await api('PATCH', `/api/users/${user.id}`, { token, json }),
      await api('PATCH', `/api/users/${other.user.id}`, { token, json }),
      await api('PATCH', `/api/users/${other.user.id}`, { token, json: { email: `moved-${other.user.email}` } }),
      await api('POST', '/api/users', { token, json: account }),
      await api('DELETE', `/api/users/${other.user.id}`, { token }),
    ]
    expect(responses.map(({ status }) => status)).toEqual(responses.map(() => 403))
    expect((await api('DELETE', `/api/api-keys/${otherKey.id}`, { token })).status).toBe(404)
  })
})

describe('operations that need a recent proof of identity', () => {
  it('return 403 for a change of e-mail address, a deletion of the account and of a key, and nothing else', async () => {
    const { user, token, sessionId } = await signIn()
    const { id } = await createApiKey(user, ['users:read'])
    await ageAuthentication(sessionId)
    const url = `/api/users/${user.id}`
    const rejected = [
      await api('PATCH', url, { token, json: { email: `moved-${user.email}` } }),
      await api('DELETE', url, { token }),
      await api('DELETE', `/api/api-keys/${id}`, { token }),
    ]
    expect(rejected.map(({ json }) => json.error.code)).toEqual(rejected.map(() => 'REAUTHENTICATION_REQUIRED'))
    expect((await api('PUT', url, { token, json: { email: user.email, name: 'Grace' } })).status).toBe(200)
    expect((await api('GET', '/api/api-keys', { token })).status).toBe(200)
  })
})
