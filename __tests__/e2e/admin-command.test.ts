import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import request from 'supertest'
import { uniqueEmail, PASSWORD } from '../support/factories'
import { type RunningServer, startServer } from '../support/server'

jest.setTimeout(120_000)

const run = promisify(execFile)
const SECRET = 'a-secret-of-the-tests-over-http-32-bytes'

/** Runs `npm run admin -- …`. Returns its output. */
async function admin(settings: Record<string, string | undefined>, ...args: string[]): Promise<string> {
  const { stdout } = await run(process.execPath, ['--require', 'tsx/cjs', 'lib/cli/admin.ts', ...args], {
    env: {
      PATH: process.env['PATH'],
      NODE_ENV: 'production',
      BCRYPT_COST: '4',
      JWT_SECRET: SECRET,
      ...settings,
    },
  })
  return stdout
}

function signIn(server: RunningServer, email: string, password: string | undefined) {
  return request(server.url).post('/api/auth/login').send({ email, password })
}

describe('npm run admin', () => {
  let server: RunningServer
  let settings: Record<string, string | undefined>

  beforeAll(async () => {
    server = await startServer()
    settings = { DATABASE_URL: server.databaseUrl }
  })

  afterAll(() => server.remove())

  it('takes over an existing account, says when it was registered, and creates one where there is none', async () => {
    const email = uniqueEmail()
    await request(server.url).post('/api/auth/register').send({ email, password: PASSWORD }).expect(201)
    const printed = await admin(settings, 'make-admin', email.toUpperCase())
    expect(printed).toContain(`${email} was registered at 20`)
    expect(printed).toContain('its address was not verified')
    await signIn(server, email, PASSWORD).expect(401)
    const newPassword = /once\): (\S+)/.exec(printed)?.[1]
    expect((await signIn(server, email, newPassword)).body.user).toMatchObject({ role: 'admin', emailVerified: true })
    expect(await admin(settings, 'make-admin', email)).toBe(`${email} is an admin.\n`)

    const other = uniqueEmail()
    const password = /once\): (\S+)/.exec(await admin(settings, 'make-admin', other))?.[1]
    expect((await signIn(server, other, password)).body.user).toMatchObject({ role: 'admin', emailVerified: true })
  })

  it('sets a new password and revokes the sessions', async () => {
    const email = uniqueEmail()
    const { body } = await request(server.url)
      .post('/api/auth/register')
      .send({ email, password: PASSWORD })
      .expect(201)
    await signIn(server, email, PASSWORD).set('User-Agent', 'C1 \x9b31m').expect(200)
    // Clients encode the character as Latin-1 or as UTF-8.
    expect(await admin(settings, 'sessions', email)).toMatch(/127\.0\.0\.1 {2}C1 Â?\\u\{9b\}31m\n(.*\n)?2 sessions\n$/)
    const password = /once\): (\S+)/.exec(await admin(settings, 'reset-password', email))?.[1]
    await signIn(server, email, PASSWORD).expect(401)
    await signIn(server, email, password).expect(200)
    expect(await admin(settings, 'end-sessions', email)).toBe('1 sessions revoked\n')
    await new Promise((resolve) => setTimeout(resolve, 5_000))
    await request(server.url).get('/api/auth/me').set('Authorization', `Bearer ${body.token}`).expect(401)
  })

  it('revokes the API keys, on their own and with a reset', async () => {
    const email = uniqueEmail()
    const account = { email, password: PASSWORD }
    const { body } = await request(server.url).post('/api/auth/register').send(account).expect(201)
    const createKey = (token: string) =>
      request(server.url)
        .post('/api/api-keys')
        .set('Authorization', `Bearer ${token}`)
        .send({ name: 'x', scopes: ['users:read'] })
        .expect(201)
    const use = (key: string) => request(server.url).get('/api/protected').set('Authorization', `Bearer ${key}`)
    const first = await createKey(body.token)
    expect(await admin(settings, 'revoke-keys', email)).toBe('1 API keys revoked\n')
    await use(first.body.key).expect(401)
    const second = await createKey(body.token)
    await admin(settings, 'reset-password', email)
    await use(second.body.key).expect(401)
  })

  it('reports errors and exits with 1', async () => {
    await expect(admin(settings, 'make-admin')).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringContaining('npm run admin'),
    })
    await expect(admin(settings, 'drop', 'a@b.cc')).rejects.toMatchObject({ code: 1 })
    const unknown = uniqueEmail()
    await expect(admin(settings, 'reset-password', unknown)).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringContaining(`No account found for ${unknown}`),
    })
  })

  it('works while a server with the embedded database runs, and without a server', async () => {
    const embedded = await startServer({ DATABASE_URL: '', JWT_SECRET: '' })
    const own = { DATABASE_URL: '', JWT_SECRET: '', DATA_DIR: embedded.dataDir }
    const password = /once\): (\S+)/.exec(await admin(own, 'reset-password', 'admin@hearth.local'))?.[1]
    await signIn(embedded, 'admin@hearth.local', password).expect(200)
    await embedded.stop()
    expect(await admin(own, 'sessions', 'admin@hearth.local')).toContain('1 session\n')
    await embedded.remove()
  })
})
