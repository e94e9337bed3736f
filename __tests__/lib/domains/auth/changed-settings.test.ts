import { config, setConfig } from '@/lib/config'
import { prisma } from '@/lib/platform/db/prisma'
import { api } from '../../../support/api'
import { createSession, createUser, PASSWORD, signIn, uniqueEmail } from '../../../support/factories'

const before = config()

afterEach(() => setConfig(before))

const login = (json: object) => api('POST', '/api/auth/login', { json })

describe('after a change of the settings', () => {
  it('renews the hash when BCRYPT_COST has changed, which is no change of the password', async () => {
    const { id, email } = await createUser()
    const where = { userId: id }
    const before = await prisma().password.findUniqueOrThrow({ where })
    setConfig({ ...config(), bcryptCost: 5 })
    expect((await login({ email, password: 'wrong horse' })).status).toBe(401)
    expect(await prisma().password.findUniqueOrThrow({ where })).toEqual(before)
    expect((await login({ email, password: PASSWORD })).status).toBe(200)
    const after = await prisma().password.findUniqueOrThrow({ where })
    expect([before.hash.slice(0, 7), after.hash.slice(0, 7)]).toEqual(['$2b$04$', '$2b$05$'])
    expect(after.updatedAt).toEqual(before.updatedAt)
    expect((await login({ email, password: PASSWORD })).status).toBe(200)
    expect(await prisma().password.findUniqueOrThrow({ where })).toEqual(after)
  })

  it('says that sign-up is closed while OPEN_SIGNUP is false', async () => {
    setConfig({ ...config(), openSignup: false })
    const json = { email: uniqueEmail(), password: PASSWORD }
    const response = await api('POST', '/api/auth/register', { json })
    expect([response.status, response.json.error]).toEqual([
      401,
      expect.objectContaining({ code: 'UNAUTHORIZED', message: expect.stringContaining('Sign-up is closed') }),
    ])
  })

  it('ends sessions that were not used for SESSION_INACTIVITY_DAYS', async () => {
    const { user, token } = await signIn()
    const idle = await createSession(user)
    const lastUsedAt = new Date(Date.now() - 2 * 86_400_000)
    await prisma().session.update({ where: { id: idle.sessionId }, data: { lastUsedAt } })
    setConfig({ ...config(), sessionInactivityDays: 2 })
    expect((await api('GET', '/api/auth/me', { token: idle.token })).status).toBe(401)
    const refreshed = await api('POST', '/api/auth/refresh', { json: { refreshToken: idle.refreshToken } })
    expect([refreshed.status, refreshed.json.error.code]).toEqual([401, 'TOKEN_EXPIRED'])
    const listed = await api<{ sessions: object[] }>('GET', '/api/auth/sessions', { token })
    expect(listed.json.sessions).toMatchObject([{ current: true }])
    setConfig({ ...config(), sessionInactivityDays: 3 })
    expect((await api('GET', '/api/auth/me', { token: idle.token })).status).toBe(200)
  })
})
