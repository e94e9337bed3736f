import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import request from 'supertest'
import { uniqueEmail, PASSWORD } from '../support/factories'
import { startDatabaseProxy } from '../support/database-proxy'
import { createDatabase, dropDatabase } from '../support/databases'
import { startServer } from '../support/server'
import { waitFor } from '../support/wait'

jest.setTimeout(180_000)

describe('a database outage', () => {
  it('is reported per dependency within the timeout, and ends without a restart', async () => {
    const databaseUrl = await createDatabase('faults')
    const proxy = await startDatabaseProxy(new URL(databaseUrl))
    const server = await startServer({ DATABASE_URL: proxy.url }, { databaseUrl: proxy.url })
    try {
      const credentials = { email: uniqueEmail(), password: PASSWORD }
      const { body } = await request(server.url).post('/api/users').send(credentials).expect(201)
      const token = (await request(server.url).post('/api/auth/login').send(credentials).expect(200)).body.token
      const readUser = () => request(server.url).get(`/api/users/${body.id}`).set('Authorization', `Bearer ${token}`)
      await readUser().expect(200)

      proxy.cut()
      for (let attempt = 0; attempt < 3; attempt += 1) {
        const [away, signIn, ready, health] = await Promise.all([
          readUser(),
          request(server.url).post('/api/auth/login').send(credentials),
          request(server.url).get('/api/ready'),
          request(server.url).get('/api/health'),
        ])
        for (const response of [away, signIn]) {
          expect(response.status).toBe(503)
          expect(response.body.error.code).toBe('SERVICE_UNAVAILABLE')
          expect(response.headers['retry-after']).toMatch(/^\d+$/)
        }
        expect(ready.status).toBe(503)
        expect(ready.body.checks.database.status).toBe('down')
        expect(health.status).toBe(200)
      }

      proxy.mend()
      await waitFor('the server to recover', async () => {
        const [user, ready] = await Promise.all([readUser(), request(server.url).get('/api/ready')])
        return user.status === 200 && ready.status === 200
      })
      expect(server.output()).not.toContain('"level":"error"')
    } finally {
      await server.remove()
      proxy.close()
      await dropDatabase('faults')
    }
  })
})

describe('start and stop', () => {
  it('exits with one line per error for an invalid configuration', async () => {
    const child = spawn(process.execPath, ['--require', 'tsx/cjs', 'lib/cli/start.ts'], {
      env: { ...process.env, NODE_ENV: 'production', DATABASE_URL: 'postgresql://x/y', JWT_SECRET: 'weak', PORT: 'p' },
    })
    let complaints = ''
    child.stderr.on('data', (chunk) => (complaints += String(chunk)))
    const code = await new Promise((resolve) => child.once('close', resolve))
    expect(code).toBe(1)
    expect(complaints.trim().split('\n').toSorted()).toEqual([
      expect.stringMatching(/^Invalid configuration: JWT_SECRET.*32 bytes/),
      expect.stringMatching(/^Invalid configuration: PORT/),
    ])
  })

  it('starts two servers concurrently on one empty database', async () => {
    const databaseUrl = await createDatabase('two_at_once', 'template0')
    try {
      const servers = await Promise.all([1, 2].map(() => startServer({}, { databaseUrl })))
      for (const server of servers) await request(server.url).get('/api/ready').expect(200)
      await Promise.all(servers.map((server) => server.remove()))
    } finally {
      await dropDatabase('two_at_once')
    }
  })

  it('creates the configured admin once', async () => {
    const server = await startServer({ ADMIN_EMAIL: 'Root@Example.test', ADMIN_PASSWORD: PASSWORD })
    const login = { email: 'root@example.test', password: PASSWORD }
    const { body } = await request(server.url).post('/api/auth/login').send(login).expect(200)
    expect(body.user).toMatchObject({ role: 'admin', emailVerified: true })
    await server.remove()
  })

  it('completes requests in progress, accepts no new ones, and leaves no process behind', async () => {
    const server = await startServer({ DATABASE_URL: '', JWT_SECRET: '', BCRYPT_COST: '12' })
    const signUps = Array.from({ length: 4 }, () =>
      request(server.url).post('/api/auth/register').send({ email: uniqueEmail(), password: PASSWORD }),
    ).map((attempt) => attempt.then((response) => response.status))
    await new Promise((resolve) => setTimeout(resolve, 200))
    const code = await server.stop()
    expect(await Promise.all(signUps)).toEqual([201, 201, 201, 201])
    expect(code).toBe(0)
    await expect(fetch(`${server.url}/api/health`)).rejects.toThrow('fetch failed')
    await server.remove()
  })

  it('stops the embedded database when it is stopped during startup', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'hearth-early-'))
    const child = spawn(process.execPath, ['--require', 'tsx/cjs', 'lib/cli/start.ts'], {
      env: { PATH: process.env['PATH'], NODE_ENV: 'production', DATA_DIR: dataDir, PORT: '0' },
    })
    await once(child.stdout, 'data')
    child.kill('SIGTERM')
    const [code] = await once(child, 'close')
    expect(code).toBe(0)
    const postmaster = await readFile(join(dataDir, 'postgres', 'cluster', 'postmaster.pid'), 'utf8').catch(() => '')
    expect(postmaster).toBe('')
    await rm(dataDir, { recursive: true, force: true })
  })

  it('starts an embedded database, prints the admin once, and loses no committed row when it is killed', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'hearth-own-'))
    const settings = { DATABASE_URL: '', JWT_SECRET: '' }
    const first = await startServer(settings, { dataDir })
    const password = /Password +(\S+)/.exec(first.output())?.[1]
    const admin = { email: 'admin@hearth.local', password }
    await request(first.url).post('/api/auth/login').send(admin).expect(200)
    const credentials = { email: uniqueEmail(), password: PASSWORD }
    await request(first.url).post('/api/auth/register').send(credentials).expect(201)
    await first.kill()

    const second = await startServer(settings, { dataDir })
    expect(second.output()).not.toContain('Password')
    await request(second.url).post('/api/auth/login').send(credentials).expect(200)
    await request(second.url).post('/api/auth/login').send(admin).expect(200)
    expect(await second.stop()).toBe(0)
    await rm(dataDir, { recursive: true, force: true })
  })
})
