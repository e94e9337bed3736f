import { randomUUID } from 'node:crypto'
import { uniqueEmail, PASSWORD } from '../support/factories'
import { startServer, type RunningServer } from '../support/server'

type Json = { id: number; user: { id: number }; token: string }

let server: RunningServer

// Hashing takes long enough for requests to overlap.
beforeAll(async () => {
  server = await startServer({ BCRYPT_COST: '11' })
}, 120_000)

afterAll(() => server.remove(), 60_000)

async function send(method: string, path: string, json: object | undefined, headers: Record<string, string> = {}) {
  const response = await fetch(`${server.url}${path}`, {
    method,
    headers: { 'Content-Type': 'application/json', ...headers },
    ...(json !== undefined && { body: JSON.stringify(json) }),
  })
  const text = await response.text()
  const body: Json = text === '' ? {} : JSON.parse(text)
  return { status: response.status, headers: response.headers, text, body }
}

describe('over real HTTP', () => {
  it('executes one of two concurrent changes of the same version', async () => {
    const { body } = await send('POST', '/api/auth/register', { email: uniqueEmail(), password: PASSWORD })
    const path = `/api/users/${body.user.id}`
    const credentials = { Authorization: `Bearer ${body.token}` }
    for (let round = 0; round < 5; round++) {
      const tag = (await send('HEAD', path, undefined, credentials)).headers.get('etag') ?? ''
      const headers = { ...credentials, 'If-Match': tag }
      const responses = await Promise.all(
        ['one', 'two'].map((name) => send('PATCH', path, { name: `${name} ${round}` }, headers)),
      )
      expect(responses.map(({ status }) => status).sort()).toEqual([200, 412])
    }
    const tag = (await send('GET', path, undefined, credentials)).headers.get('etag') ?? ''
    const unchanged = await send('GET', path, undefined, { ...credentials, 'If-None-Match': tag })
    expect([unchanged.status, unchanged.text]).toEqual([304, ''])
  })

  it('creates one user for two concurrent requests with the same key', async () => {
    const json = { email: uniqueEmail(), password: PASSWORD }
    const headers = { 'Idempotency-Key': randomUUID() }
    const responses = await Promise.all([1, 2].map(() => send('POST', '/api/users', json, headers)))
    expect(responses.map(({ status }) => status).sort()).toEqual([201, 409])
    const again = await send('POST', '/api/users', json, headers)
    expect([again.status, again.headers.get('idempotency-replayed')]).toEqual([201, 'true'])
    expect(again.text).toBe(responses.find(({ status }) => status === 201)?.text)
  })

  it('releases the key when the process is killed, and creates one user afterwards', async () => {
    const { databaseUrl } = server
    if (databaseUrl === undefined) throw new Error('The server has no database.')
    await server.kill()
    server = await startServer({ BCRYPT_COST: '14' }, { databaseUrl })
    const json = { email: uniqueEmail(), password: PASSWORD }
    const headers = { 'Idempotency-Key': randomUUID() }
    const cut = send('POST', '/api/users', json, headers).then(
      ({ status }) => status,
      () => 'cut',
    )
    await new Promise((resolve) => setTimeout(resolve, 400))
    await server.kill()
    expect(await cut).toBe('cut')
    server = await startServer({}, { databaseUrl })
    const made = await send('POST', '/api/users', json, headers)
    expect([made.status, made.headers.get('idempotency-replayed')]).toEqual([201, null])
    const again = await send('POST', '/api/users', json, headers)
    expect([again.status, again.text, again.headers.get('idempotency-replayed')]).toEqual([201, made.text, 'true'])
  }, 120_000)
})
