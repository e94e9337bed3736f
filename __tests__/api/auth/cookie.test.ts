import { parseSetCookie } from 'cookie'
import { api } from '../../support/api'
import { uniqueEmail, createUser, PASSWORD, signIn } from '../../support/factories'

const APP = 'https://app.example'
const LOCAL_APP = 'http://localhost:5173'

type Pair = { token: string; refreshToken?: string }

async function signInByCookie(origin: string = APP): Promise<{ token: string; cookie: string; header: string }> {
  const { email } = await createUser()
  const json = { email, password: PASSWORD, session: 'cookie' }
  const response = await api<Pair>('POST', '/api/auth/login', { json, headers: { Origin: origin } })
  expect(response.status).toBe(200)
  expect(response.json).not.toHaveProperty('refreshToken')
  const header = response.headers.get('set-cookie') ?? ''
  return { token: response.json.token, header, cookie: header.split(';')[0] ?? '' }
}

describe('login with "session": "cookie"', () => {
  it('sets an HttpOnly, Secure, SameSite=None cookie for a cross-site origin', async () => {
    const { header } = await signInByCookie()
    expect(parseSetCookie(header)).toMatchObject({
      name: '__Secure-hearth_refresh',
      httpOnly: true,
      secure: true,
      sameSite: 'none',
      path: '/api/auth',
    })
    expect(parseSetCookie(header).maxAge).toBeGreaterThan(604_790)
    expect(header).not.toContain('Domain')
  })

  it('sets a SameSite=Strict cookie without Secure for a same-site origin', async () => {
    const { header } = await signInByCookie(LOCAL_APP)
    expect(parseSetCookie(header)).toMatchObject({ httpOnly: true, sameSite: 'strict', path: '/api/auth' })
    expect(header).not.toContain('Secure')
    expect(parseSetCookie(header).name).toBe('hearth_refresh')
  })

  it('also works for registration', async () => {
    const json = { email: uniqueEmail(), password: PASSWORD, session: 'cookie' }
    const response = await api<Pair>('POST', '/api/auth/register', { json })
    expect(response.status).toBe(201)
    expect(response.json).not.toHaveProperty('refreshToken')
    expect(response.headers.get('set-cookie')).toContain('HttpOnly')
  })

  it('returns 400 for another value', async () => {
    const json = { email: uniqueEmail(), password: PASSWORD, session: 'header' }
    for (const route of ['login', 'register']) {
      expect((await api('POST', `/api/auth/${route}`, { json })).json.error.details).toHaveProperty('session')
    }
  })

  it('sets no cookie when the refresh token is in the body', async () => {
    const { email } = await createUser()
    const response = await api<Pair>('POST', '/api/auth/login', { json: { email, password: PASSWORD } })
    expect(response.json.refreshToken).toEqual(expect.any(String))
    expect(response.headers.has('set-cookie')).toBe(false)
  })
})

describe('the refresh cookie', () => {
  it('is rotated when an allowed origin refreshes', async () => {
    const { cookie } = await signInByCookie()
    const response = await api<Pair>('POST', '/api/auth/refresh', { headers: { Cookie: cookie, Origin: APP } })
    expect(response.status).toBe(200)
    expect(response.json).not.toHaveProperty('refreshToken')
    const next = (response.headers.get('set-cookie') ?? '').split(';')[0] ?? ''
    expect(next).toMatch(/^__Secure-hearth_refresh=.{43}$/)
    expect(next).not.toBe(cookie)
    const again = await api<Pair>('POST', '/api/auth/refresh', {
      headers: { Cookie: `a=1; ${next}; b=2`, Origin: APP },
    })
    expect(again.status).toBe(200)
    expect((await api('GET', '/api/auth/me', { token: again.json.token })).status).toBe(200)
  })

  it.each(['https://evil.example', 'https://app.example.evil.example', 'null', undefined])(
    'is rejected with 403 for the origin %p and not used up',
    async (origin) => {
      const { cookie, token } = await signInByCookie()
      const headers = { Cookie: cookie, ...(origin !== undefined && { Origin: origin }) }
      for (const route of ['refresh', 'logout']) {
        const response = await api('POST', `/api/auth/${route}`, { headers })
        expect([response.status, response.json.error.code]).toEqual([403, 'FORBIDDEN'])
        expect(response.headers.has('set-cookie')).toBe(false)
      }
      expect((await api('GET', '/api/auth/me', { token })).status).toBe(200)
      expect((await api('POST', '/api/auth/refresh', { headers: { Cookie: cookie, Origin: APP } })).status).toBe(200)
    },
  )

  it('authenticates a logout, which clears it', async () => {
    const { cookie, token } = await signInByCookie()
    const response = await api('POST', '/api/auth/logout', { headers: { Cookie: cookie, Origin: APP } })
    expect(response.status).toBe(204)
    expect(parseSetCookie(response.headers.get('set-cookie') ?? '')).toMatchObject({ maxAge: 0, path: '/api/auth' })
    expect((await api('GET', '/api/auth/me', { token })).status).toBe(401)
  })

  it('is not accepted over TLS without the prefix, which another subdomain could set', async () => {
    const { refreshToken } = await signIn()
    const headers = { Cookie: `hearth_refresh=${refreshToken}`, Origin: APP }
    expect((await api('POST', '/api/auth/refresh', { headers })).status).toBe(401)
    expect((await api('POST', '/api/auth/refresh', { headers: { ...headers, Origin: LOCAL_APP } })).status).toBe(200)
  })

  it('does not authenticate other routes', async () => {
    const { cookie } = await signInByCookie()
    for (const route of ['me', 'sessions']) {
      expect((await api('GET', `/api/auth/${route}`, { headers: { Cookie: cookie, Origin: APP } })).status).toBe(401)
    }
  })

  it('has its session revoked along with the session of the bearer token at logout', async () => {
    const { cookie, token: older } = await signInByCookie()
    const { token } = await signIn()
    expect((await api('POST', '/api/auth/logout', { token, headers: { Cookie: cookie, Origin: APP } })).status).toBe(
      204,
    )
    for (const ended of [older, token]) expect((await api('GET', '/api/auth/me', { token: ended })).status).toBe(401)
  })
})
