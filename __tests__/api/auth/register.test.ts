import { api } from '../../support/api'
import { freshEmail, PASSWORD } from '../../support/factories'

describe('POST /api/auth/register', () => {
  it('makes the account and signs it in', async () => {
    const email = freshEmail()
    const answer = await api<{ refreshToken: string; token: string; user: { id: number } }>(
      'POST',
      '/api/auth/register',
      { json: { email, password: PASSWORD, name: 'Ada' } },
    )
    expect(answer.status).toBe(201)
    expect(answer.json).toMatchObject({
      user: { email, name: 'Ada', role: 'user', emailVerified: false },
      expiresIn: 900,
    })
    expect(answer.headers.get('location')).toBe(`/api/users/${answer.json.user.id}`)
    expect((await api('GET', '/api/auth/me', { token: answer.json.token })).json.user.email).toBe(email)
    const { refreshToken } = answer.json
    expect((await api('POST', '/api/auth/refresh', { json: { refreshToken } })).status).toBe(200)
    const again = await api('POST', '/api/auth/register', { json: { email, password: PASSWORD } })
    expect([again.status, again.json.error.code]).toEqual([409, 'EMAIL_EXISTS'])
  })

  it('takes no role', async () => {
    const json = { email: freshEmail(), password: PASSWORD, role: 'admin' }
    expect((await api('POST', '/api/auth/register', { json })).json.error.details).toHaveProperty('role')
  })
})
