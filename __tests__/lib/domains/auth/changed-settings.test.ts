import { config, setConfig } from '@/lib/config'
import { prisma } from '@/lib/platform/db/prisma'
import { api } from '../../../support/api'
import { createUser, PASSWORD, uniqueEmail } from '../../../support/factories'

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
})
