import { api } from '../../support/api'

describe('GET /api/auth/providers', () => {
  it('lists the ways to sign in, to anonymous clients too', async () => {
    const response = await api<object>('GET', '/api/auth/providers')
    expect(response.status).toBe(200)
    expect(response.json).toMatchObject({ password: true, oidc: [] })
  })
})
