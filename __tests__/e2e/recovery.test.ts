import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import request from 'supertest'
import { dropDatabase, createDatabase } from '../support/databases'
import { uniqueEmail, PASSWORD } from '../support/factories'
import { mailsTo, tokenOf } from '../support/mail'
import { startServer, type RunningServer } from '../support/server'
import { startSmtpServer } from '../support/smtp'
import { waitFor } from '../support/wait'

jest.setTimeout(180_000)

const NO_LIMITS = { RATE_LIMIT_REQUESTS: '0', RATE_LIMIT_LOGIN_ATTEMPTS: '0', RATE_LIMIT_STRICT_REQUESTS: '0' }
const VERIFY = 'Confirm your e-mail address'

/** A database and a data folder that several servers use in turn. */
async function createHome(): Promise<{ databaseUrl: string; dataDir: string; remove: () => Promise<void> }> {
  const name = `home_${randomUUID()}`
  const dataDir = await mkdtemp(join(tmpdir(), 'hearth-home-'))
  return {
    databaseUrl: await createDatabase(name),
    dataDir,
    remove: async () => {
      await dropDatabase(name)
      await rm(dataDir, { recursive: true, force: true })
    },
  }
}

const signUp = (server: RunningServer, email: string) =>
  request(server.url).post('/api/auth/register').send({ email, password: PASSWORD }).expect(201)

describe('a server that is killed', () => {
  it('right after a 201 delivers the enqueued e-mail after the restart', async () => {
    const home = await createHome()
    const email = uniqueEmail()
    const first = await startServer({ ...NO_LIMITS, WORKER: 'off' }, home)
    await signUp(first, email)
    await first.kill()
    expect(await mailsTo(email, '', home.dataDir)).toEqual([])
    const second = await startServer(NO_LIMITS, home)
    const mails = await waitFor('the mail', async () => {
      const found = await mailsTo(email, VERIFY, home.dataDir)
      return found.length > 0 && found
    })
    expect(mails).toHaveLength(1)
    await request(second.url)
      .post('/api/auth/verify-email')
      .send({ token: tokenOf(mails[0]) })
      .expect(204)
    await second.remove()
    await home.remove()
  })

  it('while sending an e-mail delivers it after the restart', async () => {
    const home = await createHome()
    const email = uniqueEmail()
    // A mail server that never replies, so that the job is in progress when the server is killed.
    const silent = createServer(() => undefined)
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
    const address = silent.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    const mailFrom = { MAIL_FROM: 'hearth@house.example' }
    const first = await startServer({ ...NO_LIMITS, ...mailFrom, SMTP_URL: `smtp://127.0.0.1:${port}` }, home)
    const connected = new Promise((resolve) => silent.once('connection', resolve))
    await signUp(first, email)
    await connected
    await first.kill()
    silent.close()
    const smtp = await startSmtpServer()
    const second = await startServer({ ...NO_LIMITS, ...mailFrom, SMTP_URL: smtp.url }, home)
    await waitFor('the mail', () => smtp.received.some(({ to }) => to[0] === email), 30_000)
    expect(smtp.received).toHaveLength(1)
    await second.remove()
    await smtp.close()
    await home.remove()
  })
})

describe('a separate worker', () => {
  it('runs the jobs of a server with WORKER=off, and exits on SIGTERM', async () => {
    const home = await createHome()
    const email = uniqueEmail()
    const server = await startServer({ ...NO_LIMITS, WORKER: 'off' }, home)
    await signUp(server, email)
    const worker = spawn(process.execPath, ['--require', 'tsx/cjs', join('lib', 'cli', 'worker.ts')], {
      env: {
        PATH: process.env['PATH'],
        NODE_ENV: 'production',
        DATABASE_URL: home.databaseUrl,
        DATA_DIR: home.dataDir,
        JWT_SECRET: 'a-secret-of-the-tests-over-http-32-bytes',
      },
      stdio: ['ignore', 'ignore', 'inherit'],
    })
    const exited = new Promise((resolve) => worker.once('close', resolve))
    await waitFor('the mail', async () => (await mailsTo(email, VERIFY, home.dataDir)).length === 1, 60_000)
    expect(server.output()).not.toContain('job done')
    worker.kill('SIGTERM')
    expect(await exited).toBe(0)
    await server.remove()
    await home.remove()
  })
})
