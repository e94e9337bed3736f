import { appointAdmin } from '@/lib/domains/auth/accounts/service'
import { prisma } from '@/lib/platform/db/prisma'
import { api } from '../../../../support/api'
import { createApiKey, PASSWORD, signIn, uniqueEmail } from '../../../../support/factories'

const OWN_PASSWORD = 'the operators own'

const login = (email: string, password: string) => api('POST', '/api/auth/login', { json: { email, password } })
const statusOf = async (token: string) => (await api('GET', '/api/protected', { token })).status

describe('appointAdmin', () => {
  it('takes over an account that was registered before', async () => {
    const { user, token } = await signIn()
    const { key } = await createApiKey(user, ['users:read'])
    await api('POST', '/api/auth/send-verification-email', { token })
    expect(await prisma().emailToken.count({ where: { userId: user.id } })).toBe(1)
    expect([await statusOf(token), await statusOf(key)]).toEqual([200, 200])
    const appointment = await appointAdmin({ email: user.email, password: OWN_PASSWORD, name: null })
    expect(appointment).toEqual({ outcome: 'takenOver', registeredAt: user.createdAt, wasVerified: false })
    expect([await statusOf(token), await statusOf(key)]).toEqual([401, 401])
    expect((await login(user.email, PASSWORD)).status).toBe(401)
    const { json } = await login(user.email, OWN_PASSWORD)
    expect(json.user).toMatchObject({ id: user.id, role: 'admin', emailVerified: true })
    expect(await prisma().emailToken.count({ where: { userId: user.id } })).toBe(0)
  })

  it('leaves an account that is an admin already', async () => {
    const { user, token } = await signIn({ role: 'admin' })
    expect(await appointAdmin({ email: user.email, password: OWN_PASSWORD, name: null })).toEqual({
      outcome: 'unchanged',
    })
    expect(await statusOf(token)).toBe(200)
    expect((await login(user.email, PASSWORD)).status).toBe(200)
  })

  it('creates one account for concurrent calls', async () => {
    const account = { email: uniqueEmail(), password: OWN_PASSWORD, name: null }
    const appointments = await Promise.all(Array.from({ length: 4 }, () => appointAdmin(account)))
    expect(appointments.map(({ outcome }) => outcome).sort()).toEqual([
      'created',
      'unchanged',
      'unchanged',
      'unchanged',
    ])
  })

  it('does nothing with `onlyFirst` when there is an admin', async () => {
    await signIn({ role: 'admin' })
    const { user, token } = await signIn()
    const account = { email: user.email, password: OWN_PASSWORD, name: null }
    expect(await appointAdmin(account, { onlyFirst: true })).toEqual({ outcome: 'unchanged' })
    expect(await statusOf(token)).toBe(200)
  })
})
