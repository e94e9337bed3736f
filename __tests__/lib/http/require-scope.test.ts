import { api } from '../../support/api'
import { createApiKey, createUser, signIn } from '../../support/factories'

describe('an API key', () => {
  it('authenticates its owner within its scopes', async () => {
    const user = await createUser()
    const { key } = await createApiKey(user, ['users:read'])
    expect((await api('GET', `/api/users/${user.id}`, { token: key })).json.id).toBe(user.id)
    const change = await api('PATCH', `/api/users/${user.id}`, { token: key, json: { name: 'Mallory' } })
    expect(change.status).toBe(403)
    expect(change.json.error.message).toContain('users:write')
  })

  it('has no more permissions than its owner', async () => {
    const [owner, other] = [await createUser(), await createUser()]
    const { key } = await createApiKey(owner, ['users:read', 'users:write'])
    expect((await api('GET', `/api/users/${other.id}`, { token: key })).status).toBe(403)
    expect((await api('GET', '/api/users', { token: key })).status).toBe(403)
  })

  it('has the permissions of an admin owner only within its scopes', async () => {
    const { user: admin } = await signIn({ role: 'admin' })
    const reader = await createApiKey(admin, ['users:read'])
    const poster = await createApiKey(admin, ['posts:write'])
    expect((await api('GET', '/api/users', { token: reader.key })).status).toBe(200)
    expect((await api('GET', '/api/users', { token: poster.key })).status).toBe(403)
  })

  it('is accepted on routes for any caller, whatever its scopes', async () => {
    const { key } = await createApiKey(await createUser(), ['contact:read'])
    expect((await api('GET', '/api/protected', { token: key })).status).toBe(200)
  })

  it('is rejected on routes without a scope, and on optional routes whose scope it lacks', async () => {
    const { key } = await createApiKey(await createUser(), ['users:read'])
    expect((await api('GET', '/api/auth/me', { token: key })).status).toBe(403)
    expect((await api('GET', '/api/api-keys', { token: key })).status).toBe(403)
    const json = { email: 'ada@example.test', password: 'correct horse' }
    expect((await api('POST', '/api/users', { token: key, json })).status).toBe(403)
  })

  it('is rejected when it is expired, unknown or malformed', async () => {
    const user = await createUser()
    const expired = await createApiKey(user, ['users:read'], { expiresAt: new Date(Date.now() - 1) })
    for (const token of [expired.key, `hk_${'A'.repeat(43)}`, 'hk_', `${expired.key}x`]) {
      const response = await api('GET', `/api/users/${user.id}`, { token })
      expect([response.status, response.json.error.code]).toEqual([401, 'UNAUTHORIZED'])
    }
  })
})
