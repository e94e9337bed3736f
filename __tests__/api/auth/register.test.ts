import { api } from '../../support/api'
import { uniqueEmail, PASSWORD } from '../../support/factories'

describe('POST /api/auth/register', () => {
  it('creates the account and a session', async () => {
    const email = uniqueEmail()
    const response = await api<{ refreshToken: string; token: string; user: { id: number } }>(
      'POST',
      '/api/auth/register',
      { json: { email, password: PASSWORD, name: 'Ada' } },
    )
    expect(response.status).toBe(201)
    expect(response.json).toMatchObject({
      user: { email, name: 'Ada', role: 'user', emailVerified: false },
      expiresIn: 900,
    })
    expect(response.headers.get('location')).toBe(`/api/users/${response.json.user.id}`)
    expect((await api('GET', '/api/auth/me', { token: response.json.token })).json.user.email).toBe(email)
    const { refreshToken } = response.json
    expect((await api('POST', '/api/auth/refresh', { json: { refreshToken } })).status).toBe(200)
    const again = await api('POST', '/api/auth/register', { json: { email, password: PASSWORD } })
    expect([again.status, again.json.error.code]).toEqual([409, 'EMAIL_EXISTS'])
  })

  it('returns 400 for a role', async () => {
    const json = { email: uniqueEmail(), password: PASSWORD, role: 'admin' }
    expect((await api('POST', '/api/auth/register', { json })).json.error.details).toHaveProperty('role')
  })
})
