import { prisma } from '@/lib/platform/db/prisma'
import type { ApiKey } from '@/lib/domains/auth/api-keys/schema'
import { evictApiKey } from '@/lib/platform/identity/credential-cache'
import { api } from '../../support/api'
import { createApiKey, signIn } from '../../support/factories'

type CreatedResponse = ApiKey & { key: string }

type ApiKeys = { apiKeys: ApiKey[] }

const create = (token: string, json: object) => api<CreatedResponse>('POST', '/api/api-keys', { token, json })

const use = async (key: string) => (await api('GET', '/api/protected', { token: key })).status

describe('POST /api/api-keys', () => {
  it('returns the key once and stores only its hash and prefix', async () => {
    const { user, token } = await signIn()
    const expiresAt = new Date(Date.now() + 60_000).toISOString()
    const response = await create(token, { name: ' Nightly import ', scopes: ['posts:write', 'files:read'], expiresAt })
    expect(response.status).toBe(201)
    const { key, ...shown } = response.json
    expect(key).toMatch(/^hk_[A-Za-z0-9_-]{43}$/)
    expect(shown).toMatchObject({ name: 'Nightly import', scopes: ['posts:write', 'files:read'], expiresAt })
    expect(shown.prefix).toBe(key.slice(0, 11))
    expect(shown.lastUsedAt).toBeNull()
    expect(response.headers.get('location')).toBe(`/api/api-keys/${shown.id}`)
    expect(response.headers.get('cache-control')).toBe('no-store')
    expect(await use(key)).toBe(200)
    const list = await api<ApiKeys>('GET', '/api/api-keys', { token })
    expect(list.json.apiKeys).toEqual([{ ...shown, lastUsedAt: expect.any(String) }])
    expect(list.text).not.toContain(key.slice(11))
    const row = await prisma().apiKey.findUniqueOrThrow({ where: { id: shown.id } })
    expect(JSON.stringify(row)).not.toContain(key.slice(11))
    const events = await prisma().auditEvent.findMany({ where: { actorId: user.id, action: 'api_key_created' } })
    expect(events).toMatchObject([{ details: { apiKeyId: shown.id, prefix: shown.prefix } }])
  })

  it('creates a key without an expiry date unless one is given', async () => {
    const { token } = await signIn()
    expect((await create(token, { name: 'a', scopes: ['users:read'] })).json.expiresAt).toBeNull()
    expect((await create(token, { name: 'a', scopes: ['users:read'], expiresAt: null })).json.expiresAt).toBeNull()
  })

  it.each([
    [{ scopes: ['users:read'] }, 'name'],
    [{ name: ' ', scopes: ['users:read'] }, 'name'],
    [{ name: 'x'.repeat(101), scopes: ['users:read'] }, 'name'],
    [{ name: 'x' }, 'scopes'],
    [{ name: 'x', scopes: [] }, 'scopes'],
    [{ name: 'x', scopes: 'users:read' }, 'scopes'],
    [{ name: 'x', scopes: ['api-keys:write'] }, 'scopes.0'],
    [{ name: 'x', scopes: ['*'] }, 'scopes.0'],
    [{ name: 'x', scopes: ['users:read', 'users:read'] }, 'scopes.1'],
    [{ name: 'x', scopes: ['users:read'], expiresAt: '2020-01-01T00:00:00Z' }, 'expiresAt'],
    [{ name: 'x', scopes: ['users:read'], expiresAt: 'tomorrow' }, 'expiresAt'],
    [{ name: 'x', scopes: ['users:read'], key: 'hk_mine' }, 'key'],
    [{ name: 'x', scopes: ['users:read'], userId: 1 }, 'userId'],
  ])('returns 400 for %j: invalid %s', async (json, field) => {
    const { token } = await signIn()
    const response = await api('POST', '/api/api-keys', { token, json })
    expect(response.status).toBe(400)
    expect(Object.keys(response.json.error.details)).toEqual([field])
  })

  it('returns 413 when the user has 50 keys, also for concurrent requests', async () => {
    const { user, token } = await signIn()
    await Promise.all(Array.from({ length: 48 }, () => createApiKey(user, ['users:read'])))
    const json = { name: 'one too many', scopes: ['users:read'] }
    const responses = await Promise.all(Array.from({ length: 4 }, () => create(token, json)))
    expect(responses.map(({ status }) => status).sort()).toEqual([201, 201, 413, 413])
    const { error } = (await api('POST', '/api/api-keys', { token, json })).json
    expect(error.code).toBe('QUOTA_EXCEEDED')
    expect(await prisma().apiKey.count({ where: { userId: user.id } })).toBe(50)
  })

  it('returns 403 for an API key, whatever its scopes', async () => {
    const { user } = await signIn({ role: 'admin' })
    const { key } = await createApiKey(user, ['users:read', 'users:write'])
    const response = await create(key, { name: 'x', scopes: ['files:write'] })
    expect(response.status).toBe(403)
  })
})

describe('GET /api/api-keys', () => {
  it('lists the caller’s keys, newest first', async () => {
    const { user, token } = await signIn()
    const ids = [(await createApiKey(user, ['users:read'])).id, (await createApiKey(user, ['users:read'])).id]
    await createApiKey((await signIn()).user, ['users:read'])
    const { json } = await api<ApiKeys>('GET', '/api/api-keys', { token })
    expect(json.apiKeys.map(({ id }) => id).sort()).toEqual(ids.sort())
  })

  it('lists the keys of `ownerId` for an admin, and returns 403 to another user', async () => {
    const [owner, other, admin] = [await signIn(), await signIn(), await signIn({ role: 'admin' })]
    const { id } = await createApiKey(owner.user, ['users:read'])
    const url = `/api/api-keys?ownerId=${owner.user.id}`
    for (const { token } of [owner, admin]) {
      const { json } = await api<ApiKeys>('GET', url, { token })
      expect(json.apiKeys.map((key) => key.id)).toEqual([id])
    }
    expect((await api('GET', url, { token: other.token })).status).toBe(403)
    expect((await api('GET', '/api/api-keys?ownerId=x', { token: admin.token })).status).toBe(400)
  })

  it('updates lastUsedAt at most once a minute', async () => {
    const { id, key } = await createApiKey((await signIn()).user, ['users:read'])
    const lastUse = async () => (await prisma().apiKey.findUniqueOrThrow({ where: { id } })).lastUsedAt
    await prisma().apiKey.update({ where: { id }, data: { lastUsedAt: new Date(0) } })
    await use(key)
    const noted = await lastUse()
    expect(noted?.getTime()).toBeGreaterThan(0)
    // Simulates the expiry of the cached key.
    await evictApiKey(id)
    await use(key)
    expect(await lastUse()).toEqual(noted)
  })
})

describe('authentication with an API key', () => {
  it('succeeds until the key expires', async () => {
    const expiresAt = new Date(Date.now() + 700)
    const { key } = await createApiKey((await signIn()).user, ['users:read'], { expiresAt })
    expect(await use(key)).toBe(200)
    await new Promise((resolve) => setTimeout(resolve, expiresAt.getTime() - Date.now() + 50))
    expect(await use(key)).toBe(401)
  })

  it('applies a change of the owner’s role immediately', async () => {
    const owner = await signIn({ role: 'admin' })
    const { key } = await createApiKey(owner.user, ['users:read'])
    expect((await api('GET', '/api/users', { token: key })).status).toBe(200)
    const admin = await signIn({ role: 'admin' })
    await api('PATCH', `/api/users/${owner.user.id}`, { token: admin.token, json: { role: 'user' } })
    expect((await api('GET', '/api/users', { token: key })).status).toBe(403)
  })

  it('accepts the key only in the Authorization header', async () => {
    const { key } = await createApiKey((await signIn()).user, ['users:read'])
    expect((await api('GET', `/api/protected?api_key=${key}&access_token=${key}`)).status).toBe(401)
    expect((await api('GET', '/api/protected', { headers: { 'X-API-Key': key } })).status).toBe(401)
    expect((await api('GET', '/api/protected', { headers: { Authorization: `Basic ${key}` } })).status).toBe(401)
  })

  it('succeeds after the owner’s sessions are revoked', async () => {
    const { user, token } = await signIn()
    const { key } = await createApiKey(user, ['users:read'])
    await api('POST', '/api/auth/logout', { token })
    expect(await use(key)).toBe(200)
  })
})
