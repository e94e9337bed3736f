import { prisma } from '@/lib/platform/db/prisma'
import { api } from '../../support/api'
import { createApiKey, createSession, PASSWORD, signIn } from '../../support/factories'

const NEXT = 'a better horse'
const me = async (token: string) => (await api('GET', '/api/auth/me', { token })).status
const login = async (email: string, password: string) =>
  (await api('POST', '/api/auth/login', { json: { email, password } })).status
const protectedStatus = async (token: string) => (await api('GET', '/api/protected', { token })).status
const change = (token: string, json: object) => api('POST', '/api/auth/change-password', { token, json })

describe('POST /api/auth/change-password', () => {
  it('changes the password and revokes every other session immediately', async () => {
    const { user, token, refreshToken } = await signIn()
    const other = await createSession(user)
    expect(await me(other.token)).toBe(200)
    const response = await change(token, { currentPassword: PASSWORD, newPassword: NEXT })
    expect([response.status, response.text]).toEqual([204, ''])
    expect([await me(token), await me(other.token)]).toEqual([200, 401])
    expect((await api('POST', '/api/auth/refresh', { json: { refreshToken } })).status).toBe(200)
    const lost = await api('POST', '/api/auth/refresh', { json: { refreshToken: other.refreshToken } })
    expect(lost.json.error.code).toBe('INVALID_TOKEN')
    expect([await login(user.email, PASSWORD), await login(user.email, NEXT)]).toEqual([401, 200])
    expect(await prisma().auditEvent.count({ where: { actorId: user.id, action: 'password_changed' } })).toBe(1)
  })

  it('revokes the API keys and notifies the user', async () => {
    const { user, token } = await signIn()
    const { key } = await createApiKey(user, ['users:read'])
    expect(await protectedStatus(key)).toBe(200)
    expect((await change(token, { currentPassword: PASSWORD, newPassword: NEXT })).status).toBe(204)
    expect(await protectedStatus(key)).toBe(401)
    const events = await prisma().auditEvent.findMany({ where: { actorId: user.id, action: 'api_keys_revoked' } })
    expect(events).toMatchObject([{ details: { count: 1 } }])
    const mails = await prisma().$queryRaw<{ template: string }[]>`
      SELECT payload->'content'->>'template' AS template FROM graphile_worker._private_jobs
      WHERE payload->>'to' = ${user.email}`
    expect(mails).toEqual([{ template: 'password-changed' }])
  })

  it('leaves the API keys with `keepApiKeys`', async () => {
    const { user, token } = await signIn()
    const { key } = await createApiKey(user, ['users:read'])
    await change(token, { currentPassword: PASSWORD, newPassword: NEXT, keepApiKeys: true })
    expect(await protectedStatus(key)).toBe(200)
  })

  it('changes nothing when the current password is wrong', async () => {
    const { user, token } = await signIn()
    const other = await createSession(user)
    const response = await change(token, { currentPassword: 'wrong horse', newPassword: NEXT })
    expect([response.status, response.json.error.code]).toEqual([401, 'INVALID_CREDENTIALS'])
    expect(await me(other.token)).toBe(200)
    expect(await login(user.email, PASSWORD)).toBe(200)
    expect(await prisma().auditEvent.count({ where: { actorId: user.id, action: 'password_change_failed' } })).toBe(1)
  })

  it('executes one of several concurrent changes', async () => {
    const { token, user } = await signIn()
    const words = ['first horse', 'second horse', 'third horse']
    const responses = await Promise.all(
      words.map((newPassword) => change(token, { currentPassword: PASSWORD, newPassword })),
    )
    expect(responses.map(({ status }) => status).sort()).toEqual([204, 401, 401])
    const winner = words[responses.findIndex(({ status }) => status === 204)] ?? ''
    expect(await login(user.email, winner)).toBe(200)
  })

  it('leaves no session to a concurrent login with the old password', async () => {
    const { token, user } = await signIn()
    const [changed, ...signedIn] = await Promise.all([
      change(token, { currentPassword: PASSWORD, newPassword: NEXT }),
      ...Array.from({ length: 8 }, () =>
        api('POST', '/api/auth/login', { json: { email: user.email, password: PASSWORD } }),
      ),
    ])
    expect(changed.status).toBe(204)
    for (const { json } of signedIn.filter(({ status }) => status === 200)) expect(await me(json.token)).toBe(401)
    expect(await prisma().session.count({ where: { userId: user.id } })).toBe(1)
  })

  it.each([
    [{ newPassword: NEXT }, 'currentPassword'],
    [{ currentPassword: PASSWORD }, 'newPassword'],
    [{ currentPassword: PASSWORD, newPassword: 'short' }, 'newPassword'],
    [{ currentPassword: PASSWORD, newPassword: 'é'.repeat(37) }, 'newPassword'],
    [{ currentPassword: PASSWORD, newPassword: NEXT, keepApiKeys: 'yes' }, 'keepApiKeys'],
    [{ currentPassword: PASSWORD, newPassword: NEXT, userId: 1 }, 'userId'],
  ])('returns 400 for %p: invalid %s', async (json, field) => {
    const { token } = await signIn()
    const response = await change(token, json)
    expect(response.status).toBe(400)
    expect(Object.keys(response.json.error.details)).toEqual([field])
  })
})
