import { once } from 'node:events'
import { request as httpRequest } from 'node:http'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import request from 'supertest'
import { ERRORS } from '@/lib/errors'
import { PASSWORD, uniqueEmail } from '../support/factories'
import { type RunningServer, startServer } from '../support/server'

let server: RunningServer

beforeAll(async () => {
  server = await startServer()
}, 90_000)

afterAll(() => server.remove())

/** Sends raw bytes. Returns everything received until the connection closes. */
async function raw(bytes: string): Promise<string> {
  const { port } = new URL(server.url)
  return new Promise((resolve, reject) => {
    let response = ''
    const socket = connect(Number(port), '127.0.0.1', () => socket.write(bytes))
    socket.setTimeout(2_000, () => socket.destroy())
    socket.on('data', (chunk) => (response += chunk.toString()))
    socket.on('close', () => resolve(response))
    socket.on('error', reject)
  })
}

/** Posts JSON without Content-Length. */
async function postInChunks(
  path: string,
  body: string,
): Promise<{ status: number; body: { error?: Record<string, unknown> } }> {
  const outgoing = httpRequest(`${server.url}${path}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
  })
  outgoing.write(body.slice(0, 1000))
  outgoing.end(body.slice(1000))
  const [response] = await once(outgoing, 'response')
  return { status: response.statusCode, body: JSON.parse(await text(response)) }
}

function expectEnvelope(
  response: { status: number; body: { error?: Record<string, unknown> } },
  code: keyof typeof ERRORS,
) {
  expect(response.body.error).toMatchObject({ code, message: expect.any(String), requestId: expect.any(String) })
  expect(response.status).toBe(ERRORS[code].status)
}

describe('error responses', () => {
  it.each([
    ['an unknown path below /api', '/api/nope/nothing'],
    ['a path outside /api', '/index.html'],
    ['an internal path of Next.js', '/_next/static/x.js'],
    ['a trailing slash', '/api/hello/'],
    ['two slashes', '//api/hello'],
    ['dot segments', '/api/x/../hello'],
  ])('returns NOT_FOUND for %s', async (_what, path) => {
    const response = await request(server.url).get(path)
    expectEnvelope(response, 'NOT_FOUND')
  })

  it.each(['/api/hello%', '/api/users/%ff', '/api/users/%c0%ae', '/api/hello?q=%zz', '/%'])(
    'returns VALIDATION_ERROR for the invalid percent-encoding of %s',
    async (path) => {
      const response = await raw(`GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`)
      expect(response).toMatch(/^HTTP\/1\.1 400 /)
      expect(response).toContain('"code":"VALIDATION_ERROR"')
      expect(response).toContain('"requestId":"')
    },
  )

  it('returns problem details to clients that accept them, also for HTTP that cannot be parsed', async () => {
    const accept = 'Accept: application/problem+json\r\n'
    for (const [status, code, head] of [
      [400, 'VALIDATION_ERROR', `GET /api/hello HTTP/1.1\r\n${accept}Host x\r\n\r\n`],
      [400, 'VALIDATION_ERROR', `GET /api/hello HTTP/1.1\r\n${accept}Connection: close\r\n\r\n`],
      [404, 'NOT_FOUND', `GET /x HTTP/1.1\r\nHost: x\r\n${accept}Connection: close\r\n\r\n`],
    ] as const) {
      const response = await raw(head)
      expect(response).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
      expect(response).toMatch(/content-type: application\/problem\+json\r\n/i)
      const body: unknown = JSON.parse(response.slice(response.indexOf('\r\n\r\n')))
      expect(body).toMatchObject({ status, code, instance: expect.any(String), requestId: expect.any(String) })
    }
  })

  it.each(['{"email":', 'email=x', '"\\ud800', '\u0000', '[1,]'])('returns INVALID_JSON for %j', async (body) => {
    const response = await request(server.url)
      .post('/api/auth/login')
      .set('Content-Type', 'application/json')
      .send(body)
    expectEnvelope(response, 'INVALID_JSON')
  })

  it('returns INVALID_JSON for invalid UTF-8', async () => {
    const body = Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])
    const response = await raw(
      `POST /api/auth/login HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: 7\r\n\r\n${body.toString('latin1')}`,
    )
    expect(response).toMatch(/^HTTP\/1\.1 400 /)
  })

  it.each(['[]', 'null', '"text"', '1', 'true'])(
    'returns VALIDATION_ERROR for %s instead of an object',
    async (body) => {
      const response = await request(server.url)
        .post('/api/auth/login')
        .set('Content-Type', 'application/json')
        .send(body)
      expectEnvelope(response, 'VALIDATION_ERROR')
    },
  )

  it('returns an error for every invalid field and unknown key', async () => {
    const response = await request(server.url)
      .post('/api/auth/register')
      .send({ email: 'no address', password: 'short', name: 7, admin: true })
    expectEnvelope(response, 'VALIDATION_ERROR')
    expect(Object.keys(response.body.error.details).toSorted()).toEqual(['admin', 'email', 'name', 'password'])
  })

  it('rejects __proto__ and constructor as keys', async () => {
    for (const key of ['__proto__', '\\u005f_proto__', 'constructor', 'prototype']) {
      const response = await request(server.url)
        .post('/api/auth/register')
        .set('Content-Type', 'application/json')
        .send(`{"email":"${uniqueEmail()}","password":"${PASSWORD}","${key}":{"role":"admin"}}`)
      expectEnvelope(response, 'VALIDATION_ERROR')
    }
  })

  it('rejects NUL and lone surrogates, which the database cannot store', async () => {
    for (const name of ['a\u0000b', '\ud800']) {
      const response = await request(server.url)
        .post('/api/auth/register')
        .set('Content-Type', 'application/json')
        .send(JSON.stringify({ email: uniqueEmail(), password: PASSWORD, name }))
      expectEnvelope(response, 'VALIDATION_ERROR')
    }
  })

  it.each([
    'text/plain',
    'application/x-www-form-urlencoded',
    'application/json; charset=utf-16',
    'nonsense',
    'application/jsonp',
  ])('returns UNSUPPORTED_MEDIA_TYPE for a body of type %s', async (type) => {
    const response = await request(server.url).post('/api/auth/login').set('Content-Type', type).send('{}')
    expectEnvelope(response, 'UNSUPPORTED_MEDIA_TYPE')
  })

  it('returns UNSUPPORTED_MEDIA_TYPE for a compressed body', async () => {
    const response = await request(server.url)
      .post('/api/auth/login')
      .set('Content-Type', 'application/json')
      .set('Content-Encoding', 'gzip')
      .send('{}')
    expectEnvelope(response, 'UNSUPPORTED_MEDIA_TYPE')
  })

  it('returns PAYLOAD_TOO_LARGE for a body over 16 KiB, with and without Content-Length', async () => {
    const body = JSON.stringify({ email: 'a'.repeat(16_384) })
    const announced = await request(server.url)
      .post('/api/auth/login')
      .set('Content-Type', 'application/json')
      .send(body)
    expectEnvelope(announced, 'PAYLOAD_TOO_LARGE')
    const chunked = await postInChunks('/api/auth/login', body)
    expectEnvelope(chunked, 'PAYLOAD_TOO_LARGE')
  })

  it('reads a body of exactly 16 KiB', async () => {
    const body = JSON.stringify({ email: uniqueEmail(), password: '' })
    const padded = body.replace('""', `"${'a'.repeat(16_384 - body.length)}"`)
    expect(Buffer.byteLength(padded)).toBe(16_384)
    const response = await request(server.url)
      .post('/api/auth/login')
      .set('Content-Type', 'application/json')
      .send(padded)
    expectEnvelope(response, 'VALIDATION_ERROR')
  })

  it('returns VALIDATION_ERROR for more than 100 query parameters, also on routes without any', async () => {
    const parameters = (count: number) => Array.from({ length: count }, (_, index) => `a${index}`).join('&')
    for (const query of [parameters(101), 'a&'.repeat(7_000)]) {
      expectEnvelope(await request(server.url).get(`/api/health?${query}`), 'VALIDATION_ERROR')
    }
    const atTheBound = await request(server.url).get(`/api/hello?${parameters(100)}`)
    expect(Object.keys(atTheBound.body.error.details)).toHaveLength(100)
  })

  it.each([
    ['two Host headers', 'GET /api/hello HTTP/1.1\r\nHost: a\r\nHost: b\r\nConnection: close\r\n\r\n'],
    ['no Host header', 'GET /api/hello HTTP/1.1\r\nConnection: close\r\n\r\n'],
    ['HTTP/2.0 in the request line', 'GET /api/hello HTTP/2.0\r\nHost: x\r\nConnection: close\r\n\r\n'],
    ['a malformed request line', 'this is not HTTP\r\n\r\n'],
    ['a malformed chunk', 'POST /api/auth/login HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nnope\r\n'],
  ])('returns 400 with a request id for %s', async (_what, bytes) => {
    const response = await raw(bytes)
    expect(response).toMatch(/^HTTP\/1\.1 400 /)
    const id = /\r\nX-Request-Id: ([\w-]+)\r\n/i.exec(response)?.[1]
    expect(response).toContain(`"requestId":"${id}"`)
  })

  it('returns 431 for headers over 16 KiB', async () => {
    const response = await raw(`GET /api/hello HTTP/1.1\r\nHost: x\r\nX-Long: ${'a'.repeat(17_000)}\r\n\r\n`)
    expect(response).toMatch(/^HTTP\/1\.1 431 /)
    expect(response).toContain('"requestId":"')
  })

  it('ignores an unknown expectation', async () => {
    const response = await raw('GET /api/hello HTTP/1.1\r\nHost: x\r\nExpect: foo\r\nConnection: close\r\n\r\n')
    expect(response).toMatch(/^HTTP\/1\.1 200 /)
  })

  it('returns METHOD_NOT_ALLOWED with Allow to every caller', async () => {
    const response = await request(server.url).delete('/api/users')
    expectEnvelope(response, 'METHOD_NOT_ALLOWED')
    expect(response.headers['allow']).toBe('GET, POST, HEAD, OPTIONS')
    const strange = await raw('PROPFIND /api/hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')
    expect(strange).toMatch(/^HTTP\/1\.1 405 /)
  })

  it('is not affected by clients that disconnect while sending a body', async () => {
    const { port } = new URL(server.url)
    for (let attempt = 0; attempt < 20; attempt += 1) {
      await new Promise<void>((resolve) => {
        const socket = connect(Number(port), '127.0.0.1', () => {
          socket.write(
            'POST /api/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"em',
          )
          setTimeout(() => socket.destroy(), 10)
        })
        socket.on('close', () => resolve())
      })
    }
    expect((await request(server.url).get('/api/health')).status).toBe(200)
    expect(server.output()).not.toContain('"level":"error"')
  })
})

describe('every response', () => {
  it('has the headers of GET without a body for HEAD', async () => {
    const get = await request(server.url).get('/api/hello')
    const head = await request(server.url).head('/api/hello')
    expect(head.status).toBe(200)
    expect(head.headers['content-length']).toBe(get.headers['content-length'])
    expect(head.text).toBeUndefined()
  })

  it('repeats a valid request id and replaces an invalid one', async () => {
    const kept = await request(server.url).get('/api/nope').set('X-Request-Id', 'abc-1.2_3')
    expect(kept.headers['x-request-id']).toBe('abc-1.2_3')
    expect(kept.body.error.requestId).toBe('abc-1.2_3')
    for (const id of ['a b', 'x'.repeat(65), '<script>', '"']) {
      const made = await request(server.url).get('/api/hello').set('X-Request-Id', id)
      expect(made.headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/)
    }
  })

  it('is logged as one JSON line with the request id and without secrets', async () => {
    const email = uniqueEmail()
    const credentials = { email, password: 'a-password-not-to-be-logged' }
    const response = await request(server.url).post('/api/auth/register').send(credentials)
    await request(server.url)
      .get('/api/auth/me?secret=in-the-query')
      .set('Authorization', `Bearer ${response.body.token}`)
      .set('Cookie', 'refresh=a-cookie-not-to-be-logged')
      .set('X-Request-Id', 'the-line-to-find')
    await new Promise((resolve) => setTimeout(resolve, 200))
    const lines = server
      .output()
      .split('\n')
      .filter((line) => line.includes('the-line-to-find'))
    expect(lines).toHaveLength(1)
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      level: 'info',
      requestId: 'the-line-to-find',
      method: 'GET',
      path: '/api/auth/me',
      userId: response.body.user.id,
      durationMs: expect.any(Number),
    })
    for (const secret of [credentials.password, response.body.token, 'a-cookie-not-to-be-logged', 'in-the-query']) {
      expect(server.output()).not.toContain(secret)
    }
  })

  it('has the security headers', async () => {
    for (const path of ['/api/hello', '/api/nope', '/nowhere']) {
      const { headers } = await request(server.url).get(path)
      expect(headers['x-content-type-options']).toBe('nosniff')
      expect(headers['content-security-policy']).toContain("default-src 'none'")
      expect(headers['x-powered-by']).toBeUndefined()
    }
  })

  it('has CORS headers only for preflights of allowed origins', async () => {
    const preflight = (origin: string) =>
      request(server.url)
        .options('/api/users/1')
        .set('Origin', origin)
        .set('Access-Control-Request-Method', 'PATCH')
        .set('Access-Control-Request-Headers', 'authorization,content-type,if-match')
    const allowed = await preflight('https://app.example')
    expect(allowed.status).toBe(204)
    expect(allowed.headers['access-control-allow-origin']).toBe('https://app.example')
    expect(allowed.headers['access-control-allow-credentials']).toBe('true')
    expect(allowed.headers['access-control-allow-methods']).toContain('PATCH')
    expect(allowed.headers['access-control-allow-headers']?.toLowerCase()).toContain('if-match')
    const other = await preflight('https://evil.example')
    expect(other.status).toBe(204)
    expect(other.headers['access-control-allow-origin']).toBeUndefined()
  })

  it('exposes errors and the documented headers to allowed origins', async () => {
    const response = await request(server.url).get('/api/nope').set('Origin', 'https://app.example')
    expect(response.headers['access-control-allow-origin']).toBe('https://app.example')
    expect(response.headers['vary']).toContain('Origin')
    for (const name of [
      'X-Request-Id',
      'ETag',
      'Link',
      'Location',
      'Retry-After',
      'RateLimit-Limit',
      'Idempotency-Replayed',
    ]) {
      expect(response.headers['access-control-expose-headers']).toContain(name)
    }
  })
})
