import { uniqueEmail, PASSWORD } from '../support/factories'
import { startServer, type RunningServer } from '../support/server'

jest.setTimeout(180_000)

type SignedIn = { token: string; refreshToken: string; user: { id: number; email: string } }

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

async function post(server: RunningServer, path: string, json: object, token?: string): Promise<Response> {
  const authorization = token === undefined ? {} : { Authorization: `Bearer ${token}` }
  return fetch(`${server.url}${path}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', ...authorization },
    body: JSON.stringify(json),
  })
}

async function register(server: RunningServer): Promise<SignedIn> {
  return (await post(server, '/api/auth/register', { email: uniqueEmail(), password: PASSWORD })).json()
}

async function me(server: RunningServer, token: string): Promise<number> {
  const response = await fetch(`${server.url}/api/auth/me`, { headers: { Authorization: `Bearer ${token}` } })
  await response.arrayBuffer()
  return response.status
}

describe('a refresh token', () => {
  let server: RunningServer
  beforeAll(async () => {
    server = await startServer()
  })
  afterAll(() => server.remove())

  it('returns ten valid pairs for ten concurrent uses, and revokes the session when reused after ten seconds', async () => {
    const { refreshToken } = await register(server)
    const refresh = (token: string) => post(server, '/api/auth/refresh', { refreshToken: token })
    const responses = await Promise.all(Array.from({ length: 10 }, () => refresh(refreshToken)))
    expect(responses.map(({ status }) => status)).toEqual(Array(10).fill(200))
    const pairs: SignedIn[] = await Promise.all(responses.map((response) => response.json()))
    await pause(10_300)
    const next: SignedIn[] = []
    for (const pair of pairs) {
      expect(await me(server, pair.token)).toBe(200)
      next.push(await (await refresh(pair.refreshToken)).json())
    }
    for (const { token } of next) expect(await me(server, token)).toBe(200)
    const late = await refresh(refreshToken)
    expect([late.status, (await late.json()).error.code]).toEqual([401, 'TOKEN_REUSED'])
    for (const { token } of next) expect(await me(server, token)).toBe(401)
  })
})

describe('revocation on one of two servers', () => {
  const servers: RunningServer[] = []
  const [here, there] = [() => servers[0], () => servers[1]].map((get) => () => {
    const server = get()
    if (server === undefined) throw new Error('The server does not run.')
    return server
  })
  if (here === undefined || there === undefined) throw new Error('There are two servers.')

  beforeAll(async () => {
    const first = await startServer()
    servers.push(first, await startServer({}, { databaseUrl: first.databaseUrl ?? '' }))
  })
  afterAll(async () => {
    for (const server of servers.toReversed()) await server.remove()
  })

  it('takes effect there immediately and on the other within five seconds: sessions, passwords, keys, accounts', async () => {
    const loggedOut = await register(here())
    const changed = await register(here())
    const stale: SignedIn = await (
      await post(here(), '/api/auth/login', { email: changed.user.email, password: PASSWORD })
    ).json()
    const keyHolder = await register(here())
    const apiKey: { id: string; key: string } = await (
      await post(here(), '/api/api-keys', { name: 'x', scopes: ['users:read'] }, keyHolder.token)
    ).json()
    const deleted = await register(here())
    const ending = [loggedOut.token, stale.token, deleted.token]
    const protectedBy = async (server: RunningServer, token: string) =>
      (await fetch(`${server.url}/api/protected`, { headers: { Authorization: `Bearer ${token}` } })).status

    for (const server of servers) {
      for (const token of [...ending, apiKey.key]) expect(await protectedBy(server, token)).toBe(200)
    }
    const remove = (path: string, token: string) =>
      fetch(`${here().url}${path}`, { method: 'DELETE', headers: { Authorization: `Bearer ${token}` } })
    const passwords = { currentPassword: PASSWORD, newPassword: 'a better horse' }
    await post(here(), '/api/auth/logout', {}, loggedOut.token)
    await post(here(), '/api/auth/change-password', passwords, changed.token)
    await remove(`/api/api-keys/${apiKey.id}`, keyHolder.token)
    await remove(`/api/users/${deleted.user.id}`, deleted.token)
    const endedAt = Date.now()
    for (const token of [...ending, apiKey.key]) expect(await protectedBy(here(), token)).toBe(401)
    expect(await me(here(), changed.token)).toBe(200)
    await pause(endedAt + 5_000 - Date.now())
    for (const token of [...ending, apiKey.key]) expect(await protectedBy(there(), token)).toBe(401)
    expect(await me(there(), changed.token)).toBe(200)
  })
})
