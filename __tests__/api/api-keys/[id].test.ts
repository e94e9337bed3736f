import { prisma } from '@/lib/platform/db/prisma'
import { api } from '../../support/api'
import { createApiKey, signIn } from '../../support/factories'

const use = async (key: string) => (await api('GET', '/api/protected', { token: key })).status

describe('DELETE /api/api-keys/:id', () => {
  it('revokes the key immediately and records an audit event', async () => {
    const { user, token } = await signIn()
    const { id, key } = await createApiKey(user, ['users:read'])
    expect(await use(key)).toBe(200)
    expect((await api('DELETE', `/api/api-keys/${id}`, { token })).status).toBe(204)
    expect(await use(key)).toBe(401)
    expect((await api('DELETE', `/api/api-keys/${id}`, { token })).status).toBe(404)
    const events = await prisma().auditEvent.findMany({ where: { actorId: user.id, action: 'api_key_ended' } })
    expect(events).toMatchObject([{ details: { apiKeyId: id } }])
  })

  it('returns 404 for a key of another user and does not revoke it', async () => {
    const { id, key } = await createApiKey((await signIn()).user, ['users:read'])
    const { token } = await signIn()
    expect((await api('DELETE', `/api/api-keys/${id}`, { token })).status).toBe(404)
    expect(await use(key)).toBe(200)
  })

  it('revokes the key of another user for an admin, and records both', async () => {
    const [owner, admin] = [await signIn(), await signIn({ role: 'admin' })]
    const { id, key } = await createApiKey(owner.user, ['users:read'])
    expect(await use(key)).toBe(200)
    expect((await api('DELETE', `/api/api-keys/${id}`, { token: admin.token })).status).toBe(204)
    expect(await use(key)).toBe(401)
    const events = await prisma().auditEvent.findMany({ where: { actorId: admin.user.id, action: 'api_key_ended' } })
    expect(events).toMatchObject([{ details: { apiKeyId: id, ownerId: owner.user.id } }])
  })

  it('returns 400 for a numeric id', async () => {
    const { token } = await signIn()
    expect((await api('DELETE', '/api/api-keys/1', { token })).status).toBe(400)
  })
})
