import { randomBytes } from 'node:crypto'
import { AppError, serviceUnavailable } from '@/lib/errors'
import { withLoginRateLimit } from '@/lib/http/rate-limit'
import { networkOf } from '@/lib/platform/network'
import { ServerResponse, IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import { api } from '../../support/api'
import { uniqueEmail, createApiKey, createUser, PASSWORD, signIn } from '../../support/factories'
import { useLimits, useNoLimits } from '../../support/rate-limits'

afterEach(useNoLimits)

const from = (address: string) => ({ headers: { 'X-Forwarded-For': address } })

describe('the general limit', () => {
  it('sends RateLimit headers on every response and returns 429 with Retry-After', async () => {
    useLimits({ general: 2 })
    const responses = [await api('GET', '/api/hello'), await api('GET', '/api/auth/me'), await api('GET', '/api/hello')]
    expect(responses.map((response) => response.status)).toEqual([200, 401, 429])
    expect(responses.map((response) => response.headers.get('ratelimit-limit'))).toEqual(['2', '2', '2'])
    expect(responses.map((response) => response.headers.get('ratelimit-remaining'))).toEqual(['1', '0', '0'])
    for (const { headers } of responses) expect(Number(headers.get('ratelimit-reset'))).toBeGreaterThan(55)
    expect(responses[2]?.json.error.code).toBe('RATE_LIMITED')
    expect(responses[2]?.headers.get('retry-after')).toBe(responses[2]?.headers.get('ratelimit-reset'))
    expect(responses[1]?.headers.get('retry-after')).toBeNull()
  })

  it('counts users independently of their IP address', async () => {
    const [ada, grace] = [await signIn(), await signIn()]
    useLimits({ general: 2 })
    for (const { token } of [ada, grace]) {
      const statuses = []
      for (let call = 0; call < 3; call++) statuses.push((await api('GET', '/api/auth/me', { token })).status)
      expect(statuses).toEqual([200, 200, 429])
    }
    expect((await api('GET', '/api/hello')).status).toBe(200)
  })

  it('counts an API key separately from its owner', async () => {
    const { user, token } = await signIn()
    const keys = [await createApiKey(user, ['users:read']), await createApiKey(user, ['users:read'])]
    useLimits({ general: 1 })
    for (const credential of [token, ...keys.map(({ key }) => key)]) {
      const url = `/api/users/${user.id}`
      expect((await api('GET', url, { token: credential })).status).toBe(200)
      expect((await api('GET', url, { token: credential })).status).toBe(429)
    }
  })

  it('counts all sessions of a user together', async () => {
    const user = await createUser()
    const json = { email: user.email, password: PASSWORD }
    const tokens = [await api('POST', '/api/auth/login', { json }), await api('POST', '/api/auth/login', { json })]
    useLimits({ general: 2 })
    const statuses = []
    for (const index of [0, 1, 0, 1]) {
      statuses.push((await api('GET', '/api/auth/me', { token: tokens[index]?.json.token })).status)
    }
    expect(statuses).toEqual([200, 200, 429, 429])
  })

  it('counts invalid tokens per IP address, and does not affect a user of that address', async () => {
    const { token } = await signIn()
    useLimits({ general: 3 })
    const statuses = []
    for (const invented of ['x', 'hk_x', 'a.b.c', `${token}x`, 'y']) {
      statuses.push((await api('GET', '/api/auth/me', { token: invented })).status)
    }
    expect(statuses).toEqual([401, 401, 401, 429, 429])
    expect((await api('GET', '/api/hello')).status).toBe(429)
    expect((await api('GET', '/api/auth/me', { token })).status).toBe(200)
  })

  it('applies to invalid credentials on public routes', async () => {
    useLimits({ general: 2 })
    const statuses = []
    for (const Authorization of ['Bearer x', 'Basic eDp5', 'Bearer', 'Bearer y']) {
      statuses.push((await api('GET', '/api/hello', { headers: { Authorization } })).status)
    }
    expect(statuses).toEqual([200, 200, 429, 429])
  })

  it('counts the address on public routes, whatever the credentials', async () => {
    const { user, token } = await signIn()
    const { key } = await createApiKey(user, ['users:read'])
    useLimits({ general: 2 })
    const statuses = []
    for (const credential of [token, key, undefined, token, key]) {
      statuses.push((await api('GET', '/api/hello', { token: credential })).status)
    }
    expect(statuses).toEqual([200, 200, 429, 429, 429])
    expect((await api('GET', '/api/auth/me', { token })).status).toBe(200)
  })

  it('bounds all API keys of a user together', async () => {
    const { user } = await signIn()
    useLimits({ general: 3, apiKeysOfUser: 6 })
    const statuses = []
    for (let index = 0; index < 4; index++) {
      const { key } = await createApiKey(user, ['users:read'])
      for (let call = 0; call < 4; call++) {
        statuses.push((await api('GET', `/api/users/${user.id}`, { token: key })).status)
      }
    }
    const limited = [429, 429, 429, 429]
    expect(statuses).toEqual([200, 200, 200, 429, 200, 200, 200, 429, ...limited, ...limited])
  })

  it('looks up a bounded number of unknown API keys per address', async () => {
    const { user } = await signIn()
    const { key } = await createApiKey(user, ['users:read'])
    useLimits({ general: 1_000 })
    const url = `/api/users/${user.id}`
    expect((await api('GET', url, { token: key })).status).toBe(200)
    const invented = () => `hk_${randomBytes(32).toString('base64url')}`
    const statuses = await Promise.all(
      Array.from({ length: 60 }, async () => (await api('GET', url, { token: invented() })).status),
    )
    expect(statuses.filter((status) => status === 401)).toHaveLength(20)
    expect(statuses.filter((status) => status === 429)).toHaveLength(40)
    const refused = await api('GET', url, { token: invented() })
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
  })

  it('exposes its headers to allowed origins', async () => {
    useLimits({ general: 1 })
    await api('GET', '/api/hello')
    const response = await api('GET', '/api/hello', { headers: { Origin: 'https://app.example' } })
    expect(response.status).toBe(429)
    expect(response.headers.get('access-control-allow-origin')).toBe('https://app.example')
    expect(response.headers.get('access-control-expose-headers')).toContain('RateLimit-Remaining')
  })

  it('counts HEAD but not preflight requests', async () => {
    useLimits({ general: 2 })
    const preflight = { Origin: 'https://app.example', 'Access-Control-Request-Method': 'GET' }
    for (let call = 0; call < 4; call++) {
      expect((await api('OPTIONS', '/api/hello', { headers: preflight })).status).toBe(204)
    }
    expect((await api('HEAD', '/api/hello')).headers.get('ratelimit-remaining')).toBe('1')
  })

  it.each(['/api/health', '/api/ready'])('does not apply to %s', async (url) => {
    useLimits({ general: 1 })
    for (let call = 0; call < 3; call++) {
      const response = await api('GET', url)
      expect(response.status).toBe(200)
      expect(response.headers.has('ratelimit-limit')).toBe(false)
    }
  })

  it('can be disabled', async () => {
    useLimits({})
    const response = await api('GET', '/api/hello')
    expect(response.headers.has('ratelimit-limit')).toBe(false)
  })
})

describe('the client address', () => {
  const statusesOf = async (forwarded: string[]) => {
    const statuses = []
    for (const address of forwarded) statuses.push((await api('GET', '/api/hello', from(address))).status)
    return statuses
  }

  it('is that of the peer without proxies, whatever X-Forwarded-For contains', async () => {
    useLimits({ general: 2 }, 0)
    expect(await statusesOf(['192.0.2.1', '192.0.2.2', '192.0.2.3'])).toEqual([200, 200, 429])
  })

  it('is the last entry of X-Forwarded-For with one proxy', async () => {
    useLimits({ general: 2 }, 1)
    const forged = ['192.0.2.1', '10.0.0.1, 192.0.2.1', '10.0.0.2, 10.0.0.3, 192.0.2.1']
    expect(await statusesOf(forged)).toEqual([200, 200, 429])
    expect(await statusesOf(['192.0.2.2', '192.0.2.1, 192.0.2.3'])).toEqual([200, 200])
  })

  it('is the second to last entry with two proxies', async () => {
    useLimits({ general: 2 }, 2)
    const forged = ['192.0.2.1, 198.51.100.1', '10.0.0.1, 192.0.2.1, 198.51.100.2', 'x, 192.0.2.1, 198.51.100.1']
    expect(await statusesOf(forged)).toEqual([200, 200, 429])
    expect(await statusesOf(['192.0.2.1, 192.0.2.9, 198.51.100.1'])).toEqual([200])
  })

  it('is that of the peer if the entry is not an address', async () => {
    useLimits({ general: 2 }, 1)
    expect(await statusesOf(['unknown', '', '<script>'])).toEqual([200, 200, 429])
  })

  it('is a /64 network for IPv6', async () => {
    useLimits({ general: 2 }, 1)
    const one = ['2001:db8:1:2::1', '2001:db8:1:2:ffff::9', '2001:0db8:0001:0002:0:0:0:abcd']
    expect(await statusesOf(one)).toEqual([200, 200, 429])
    expect(await statusesOf(['2001:db8:1:3::1'])).toEqual([200])
  })

  it.each([
    ['192.0.2.1', '192.0.2.1'],
    ['::1', '0:0:0:0::/64'],
    ['::', '0:0:0:0::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['2001:DB8:0:0:1::', '2001:db8:0:0::/64'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['1:2:3:4:5:6:7::', '1:2:3:4::/64'],
    ['64:ff9b::192.0.2.33', '64:ff9b:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['unknown', 'unknown'],
    ['un:known', 'un:known'],
  ])('for %s is %s', (address, network) => {
    expect(networkOf(address)).toBe(network)
  })
})

describe('the limit of failed logins', () => {
  const attempt = async (email: string, password: string, address = '192.0.2.1') =>
    api('POST', '/api/auth/login', { json: { email, password }, ...from(address) })

  it('returns 429 with Retry-After after the limit, also for the correct password', async () => {
    const { email } = await createUser()
    useLimits({ loginAttempts: 3 }, 1)
    const responses = []
    for (let guess = 0; guess < 4; guess++) responses.push(await attempt(email, `guess ${guess}`))
    expect(responses.map((response) => response.status)).toEqual([401, 401, 401, 429])
    const refused = await attempt(email.toUpperCase(), PASSWORD)
    expect(refused.status).toBe(429)
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(55)
  })

  it('counts per account and IP address', async () => {
    const [ada, grace] = [await createUser(), await createUser()]
    useLimits({ loginAttempts: 2 }, 1)
    for (let guess = 0; guess < 5; guess++) await attempt(ada.email, 'wrong', '192.0.2.66')
    expect((await attempt(ada.email, PASSWORD, '192.0.2.66')).status).toBe(429)
    expect((await attempt(ada.email, PASSWORD, '192.0.2.1')).status).toBe(200)
    expect((await attempt(grace.email, PASSWORD, '192.0.2.66')).status).toBe(200)
  })

  it('counts the failures of an address over all accounts, but not its successes', async () => {
    const owner = await createUser()
    useLimits({ loginAttempts: 10, loginAttemptsOfAddress: 4 }, 1)
    for (let call = 0; call < 6; call++) expect((await attempt(owner.email, PASSWORD)).status).toBe(200)
    const statuses = []
    for (let guess = 0; guess < 6; guess++) statuses.push((await attempt(uniqueEmail(), 'wrong')).status)
    expect(statuses).toEqual([401, 401, 401, 401, 429, 429])
    const refused = await attempt(owner.email, PASSWORD)
    expect([refused.status, Number(refused.headers.get('retry-after')) > 0]).toEqual([429, true])
    expect((await attempt(owner.email, PASSWORD, '192.0.2.9')).status).toBe(200)
  })

  it('returns the same responses for an unknown e-mail address', async () => {
    const email = uniqueEmail()
    useLimits({ loginAttempts: 2 }, 1)
    const statuses = []
    for (let guess = 0; guess < 3; guess++) statuses.push((await attempt(email, 'wrong')).status)
    expect(statuses).toEqual([401, 401, 429])
  })

  it('applies to concurrent attempts', async () => {
    const { email } = await createUser()
    useLimits({ loginAttempts: 10 }, 1)
    const responses = await Promise.all(Array.from({ length: 50 }, (_, guess) => attempt(email, `guess ${guess}`)))
    expect(responses.filter((response) => response.status === 401)).toHaveLength(10)
    expect(responses.filter((response) => response.status === 429)).toHaveLength(40)
  })

  it('is reset by a successful login', async () => {
    const { email } = await createUser()
    useLimits({ loginAttempts: 3 }, 1)
    for (const password of ['wrong', 'wrong', PASSWORD, 'wrong', 'wrong', PASSWORD]) {
      expect((await attempt(email, password)).status).toBe(password === PASSWORD ? 200 : 401)
    }
  })

  it('counts only attempts with a wrong password', async () => {
    useLimits({ loginAttempts: 2 })
    const res = new ServerResponse(new IncomingMessage(new Socket()))
    const who = { account: uniqueEmail(), ip: '192.0.2.1' }
    const fail = async (error: Error) =>
      withLoginRateLimit(res, who, async () => {
        throw error
      })
    for (let attempts = 0; attempts < 5; attempts++) {
      await expect(fail(serviceUnavailable(new Error('The database is down.')))).rejects.toMatchObject({ status: 503 })
    }
    for (const status of [401, 401, 429]) {
      await expect(fail(new AppError('INVALID_CREDENTIALS'))).rejects.toMatchObject({ status })
    }
  })

  it('does not count invalid requests', async () => {
    const { email } = await createUser()
    useLimits({ loginAttempts: 2 }, 1)
    for (let call = 0; call < 5; call++) await api('POST', '/api/auth/login', { json: { email }, ...from('192.0.2.1') })
    expect((await attempt(email, PASSWORD)).status).toBe(200)
  })
})

describe('the strict limit', () => {
  const json = () => ({ email: uniqueEmail(), password: PASSWORD })

  it('counts POST /api/users and /api/auth/register together, per IP address', async () => {
    useLimits({ strict: 2 }, 1)
    const there = from('192.0.2.1')
    expect((await api('POST', '/api/auth/register', { json: json(), ...there })).status).toBe(201)
    expect((await api('POST', '/api/users', { json: json(), ...there })).status).toBe(201)
    for (const url of ['/api/auth/register', '/api/users']) {
      const refused = await api('POST', url, { json: json(), ...there })
      expect(refused.status).toBe(429)
      expect(refused.headers.get('ratelimit-limit')).toBe('2')
      expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(55)
    }
    expect((await api('POST', '/api/auth/register', { json: json(), ...from('192.0.2.2') })).status).toBe(201)
  })

  it('applies to concurrent requests and counts failed ones', async () => {
    useLimits({ strict: 3 }, 1)
    const call = { json: { email: 'x' }, ...from('192.0.2.1') }
    const responses = await Promise.all(Array.from({ length: 10 }, () => api('POST', '/api/auth/register', call)))
    expect(responses.filter((response) => response.status === 400)).toHaveLength(3)
    expect(responses.filter((response) => response.status === 429)).toHaveLength(7)
  })

  it('does not apply to admins', async () => {
    const { token } = await signIn({ role: 'admin' })
    useLimits({ strict: 1 })
    for (let call = 0; call < 3; call++) {
      expect((await api('POST', '/api/users', { json: json(), token })).status).toBe(201)
    }
  })
})
