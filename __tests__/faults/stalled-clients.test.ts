import { randomUUID } from 'node:crypto'
import { connect } from 'node:net'
import { Client } from 'pg'
import { createDatabase } from '../support/databases'
import { type RunningServer, startServer } from '../support/server'

jest.setTimeout(180_000)

const ADMIN = { email: 'admin@stall.example', password: 'correct horse battery' }
const CONNECTIONS = 10

let server: RunningServer
let token: string

beforeAll(async () => {
  const databaseUrl = await createDatabase(`stall_${randomUUID()}`)
  server = await startServer({ ADMIN_EMAIL: ADMIN.email, ADMIN_PASSWORD: ADMIN.password }, { databaseUrl })
  const response = await fetch(`${server.url}/api/auth/login`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(ADMIN),
  })
  token = (await response.json()).token
})

afterAll(() => server.remove())

/** Sends bytes and then nothing. Resolves when the server closes the connection. */
function stall(bytes: string): Promise<void> {
  const { port } = new URL(server.url)
  return new Promise((resolve) => {
    const socket = connect(Number(port), '127.0.0.1', () => socket.write(bytes))
    socket.on('error', () => undefined)
    socket.resume()
    socket.once('close', () => resolve())
  })
}

const stalledBody = (method: string, path: string, type: string) =>
  `${method} ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\nContent-Type: ${type}\r\nContent-Length: 1000\r\n\r\n{`

describe('clients that make no progress', () => {
  it('are disconnected, whatever body they stopped sending', async () => {
    const heads = Array.from({ length: CONNECTIONS }).flatMap(() => [
      stalledBody('POST', '/api/auth/login', 'application/json'),
      stalledBody('PUT', `/api/files/me/${randomUUID()}`, 'text/plain'),
      stalledBody('POST', '/api/upload', 'multipart/form-data; boundary=b'),
    ])
    await Promise.all(heads.map(stall))
    expect((await fetch(`${server.url}/api/health`)).status).toBe(200)
  })

  it('are disconnected when they read nothing of a long response', async () => {
    const database = new Client({ connectionString: server.databaseUrl })
    await database.connect()
    await database.query(
      `INSERT INTO posts (title, content, visibility, author_id, created_at, updated_at)
       SELECT 'Post', repeat('한', 50000), 'public', (SELECT min(id) FROM users), now(), now() FROM generate_series(1, 100)`,
    )
    await database.end()
    const { port } = new URL(server.url)
    const closed = Array.from(
      { length: CONNECTIONS },
      () =>
        new Promise<void>((resolve) => {
          const socket = connect(Number(port), '127.0.0.1', () => {
            // Pipelined, so that the responses exceed what the kernel buffers.
            socket.write('GET /api/posts?limit=100 HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(20))
          })
          socket.on('error', () => resolve())
          socket.pause()
          socket.once('close', () => resolve())
          // A paused socket notices the end only when it reads; by then the server has given up.
          setTimeout(() => socket.resume(), 90_000)
        }),
    )
    await Promise.all(closed)
    expect((await fetch(`${server.url}/api/health`)).status).toBe(200)
  })
})
