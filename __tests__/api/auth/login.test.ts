import { prisma } from '@/lib/platform/db/prisma'
import { api } from '../../support/api'
import { uniqueEmail, createUser, PASSWORD } from '../../support/factories'

const login = (json: object) =>
  api<{ refreshToken: string } & Record<string, unknown>>('POST', '/api/auth/login', { json })

describe('POST /api/auth/login', () => {
  it('returns the user and a token pair, without the password', async () => {
    const user = await createUser()
    const response = await login({ email: ` ${user.email.toUpperCase()} `, password: PASSWORD })
    expect(response.status).toBe(200)
    expect(Object.keys(response.json).sort()).toEqual(['expiresIn', 'refreshToken', 'token', 'user'])
    expect(response.json['user']).toEqual(JSON.parse(JSON.stringify(user)))
    expect(response.json['expiresIn']).toBe(900)
    expect(response.text).not.toContain('$2')
    expect(response.headers.get('cache-control')).toBe('no-store')
  })

  it('revokes the oldest session of a user who has 50', async () => {
    const { id: userId, email } = await createUser()
    const first = await login({ email, password: PASSWORD })
    await prisma().session.updateMany({ where: { userId }, data: { createdAt: new Date('2026-01-01') } })
    const expiresAt = new Date(Date.now() + 60_000)
    await prisma().session.createMany({ data: Array.from({ length: 49 }, () => ({ userId, expiresAt, amr: ['pwd'] })) })
    const token = String(first.json['token'])
    expect((await api('GET', '/api/auth/me', { token })).status).toBe(200)
    expect((await login({ email, password: PASSWORD })).status).toBe(200)
    expect(await prisma().session.count({ where: { userId } })).toBe(50)
    expect((await api('GET', '/api/auth/me', { token })).status).toBe(401)
  })

  it('returns the same error for an unknown address and a wrong password', async () => {
    const { email } = await createUser()
    const refusals = [
      await login({ email, password: 'wrong horse' }),
      await login({ email: uniqueEmail(), password: PASSWORD }),
      await login({ email, password: `${PASSWORD}${'x'.repeat(72)}` }),
    ]
    const told = refusals.map(({ status, text }) => ({ status, error: { ...JSON.parse(text).error, requestId: '' } }))
    expect(told[0]).toMatchObject({ status: 401, error: { code: 'INVALID_CREDENTIALS' } })
    expect(told[1]).toEqual(told[0])
    expect(told[2]).toEqual(told[0])
  })

  it('records logins, and failed ones with the attempted address', async () => {
    const { id, email } = await createUser()
    const unknown = uniqueEmail()
    await login({ email, password: PASSWORD })
    await login({ email, password: 'wrong horse' })
    await login({ email: unknown, password: PASSWORD })
    const mine = await prisma().auditEvent.findMany({ where: { actorId: id }, orderBy: { id: 'asc' } })
    expect(mine.map(({ action }) => action)).toEqual(['sign_in', 'sign_in_failed'])
    expect(mine[1]?.ip).toMatch(/^(127\.0\.0\.1|::1)$/)
    const details = { equals: { email: unknown } }
    expect(await prisma().auditEvent.findMany({ where: { details } })).toMatchObject([
      { action: 'sign_in_failed', actorId: null },
    ])
    expect(JSON.stringify(mine.map((event) => event.details))).not.toContain('horse')
  })

  it('returns an error for every invalid field', async () => {
    const response = await api('POST', '/api/auth/login', { json: { email: 'x', password: '', remember: true } })
    expect(response.status).toBe(400)
    expect(Object.keys(response.json.error.details).sort()).toEqual(['email', 'password', 'remember'])
  })
})
