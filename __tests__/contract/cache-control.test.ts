import { api } from '../support/api'
import { createUser, PASSWORD, signIn } from '../support/factories'
import { storeFile } from '../support/files'

const cacheControl = async (response: Promise<{ headers: Headers }>) => (await response).headers.get('cache-control')

describe('Cache-Control', () => {
  it('is no-store for responses with tokens, keys and signed links', async () => {
    const { token, refreshToken, user } = await signIn()
    const { path } = await storeFile(token)
    const { email } = await createUser()
    const json = { email, password: PASSWORD }
    const responses = [
      api('POST', '/api/auth/login', { json }),
      api('POST', '/api/auth/register', { json: { ...json, email: `new-${user.email}` } }),
      api('POST', '/api/auth/refresh', { json: { refreshToken } }),
      api('POST', '/api/api-keys', { token, json: { name: 'x', scopes: ['users:read'] } }),
      api('POST', '/api/files/links', { token, json: { path, expiresIn: 60 } }),
    ]
    expect(await Promise.all(responses.map(cacheControl))).toEqual(responses.map(() => 'no-store'))
  })

  it('is private, no-cache for other responses to authenticated callers', async () => {
    const { token, user } = await signIn()
    const urls = ['/api/auth/me', `/api/users/${user.id}`, '/api/posts', '/api/api-keys', '/api/users', '/api/posts/0']
    const values = await Promise.all(urls.map((url) => cacheControl(api('GET', url, { token }))))
    expect(values).toEqual(urls.map(() => 'private, no-cache'))
  })

  it('is no-store for errors of anonymous clients, also of public routes', async () => {
    const responses = [
      api('POST', '/api/auth/login', { json: { email: 'nobody@example.test', password: 'wrong horse' } }),
      api('GET', '/api/auth/me'),
      api('GET', '/api/products/999999999'),
      api('GET', '/api/docs/nothing.js'),
    ]
    expect(await Promise.all(responses.map(cacheControl))).toEqual(responses.map(() => 'no-store'))
  })
})
