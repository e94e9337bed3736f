import { prisma } from '@/lib/platform/db/prisma'
import { api } from '../../support/api'
import { createApiKey, createUser, signIn } from '../../support/factories'

describe('GET /api/auth/me', () => {
  it('returns the caller, without anything secret', async () => {
    const { user, token } = await signIn()
    const { status, json, text } = await api('GET', '/api/auth/me', { token })
    expect(status).toBe(200)
    expect(json.user).toMatchObject({ id: user.id, email: user.email, role: 'user' })
    expect(text).not.toMatch(/hash|password/i)
  })

  it('returns 304 for the ETag of an earlier response', async () => {
    const { token } = await signIn()
    const etag = (await api('GET', '/api/auth/me', { token })).headers.get('etag') ?? ''
    expect((await api('GET', '/api/auth/me', { token, headers: { 'If-None-Match': etag } })).status).toBe(304)
  })

  it('returns 401 without credentials', async () => {
    expect((await api('GET', '/api/auth/me')).status).toBe(401)
  })

  it('returns 401 after the account is deleted', async () => {
    const { user, token } = await signIn()
    await prisma().user.delete({ where: { id: user.id } })
    expect((await api('GET', '/api/auth/me', { token })).status).toBe(401)
  })

  it('returns 403 for an API key', async () => {
    const { key } = await createApiKey(await createUser(), ['users:read'])
    expect((await api('GET', '/api/auth/me', { token: key })).status).toBe(403)
  })
})
