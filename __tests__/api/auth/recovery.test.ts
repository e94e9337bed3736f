import { randomUUID } from 'node:crypto'
import { config, setConfig } from '@/lib/config'
import { databasePool, prisma } from '@/lib/platform/db/prisma'
import { issuePasswordReset } from '@/lib/domains/auth/recovery/service'
import { api } from '../../support/api'
import { freshEmail, makeApiKey, makeUser, PASSWORD, signIn } from '../../support/factories'
import { loggedLines } from '../../support/log'
import { mailedTokens, mailsTo, useMailFolder } from '../../support/mail'
import { waitFor } from '../../support/wait'
import { useWorker } from '../../support/worker'

useMailFolder()
useWorker()

const RESET = 'Set a new password'
const VERIFY = 'Confirm your e-mail address'
const NEW_PASSWORD = 'battery staple'

const forgot = (email: string) => api('POST', '/api/auth/forgot-password', { json: { email } })
const reset = (token: string, password = NEW_PASSWORD) =>
  api('POST', '/api/auth/reset-password', { json: { token, password } })
const verify = (token: string) => api('POST', '/api/auth/verify-email', { json: { token } })
const sendVerification = (token: string) => api('POST', '/api/auth/send-verification-email', { token })
const login = (email: string, password: string) => api('POST', '/api/auth/login', { json: { email, password } })
const isVerified = async (id: number) => (await prisma().user.findUniqueOrThrow({ where: { id } })).emailVerified
const queueIsEmpty = () =>
  waitFor('the queue to be empty', async () => {
    const { rows } = await databasePool().query<{ count: number }>(
      `SELECT count(*)::int FROM graphile_worker.jobs WHERE task_identifier <> 'sweep'`,
    )
    return rows[0]?.count === 0
  })

async function resetToken(email: string): Promise<string> {
  await forgot(email)
  const [token = ''] = await mailedTokens(email, RESET)
  return token
}

async function expireTokens(userId: number): Promise<void> {
  await prisma().emailToken.updateMany({ where: { userId }, data: { expiresAt: new Date(Date.now() - 1000) } })
}

describe('POST /api/auth/forgot-password', () => {
  it('mails a link to a known address and nothing to an unknown one, with the same answer', async () => {
    const { email, id } = await makeUser()
    const stranger = freshEmail()
    const answers = [await forgot(` ${email.toUpperCase()} `), await forgot(stranger)]
    expect(answers.map(({ status, text }) => `${status} ${text}`)).toEqual(['204 ', '204 '])
    const names = answers.map(({ headers }) => [...headers.keys()].toSorted())
    expect(names[0]).toEqual(names[1])
    const [token = ''] = await mailedTokens(email, RESET)
    expect(token).toMatch(/^[\w-]{43}$/)
    await queueIsEmpty()
    expect(await mailsTo(stranger)).toEqual([])
    const event = await prisma().auditEvent.findFirst({ where: { actorId: id, action: 'password_reset_requested' } })
    expect(event?.requestId).toBe(answers[0]?.headers.get('x-request-id'))
  })

  it('keeps no token anywhere in the clear: not in the tables, not in the queue, not in the log', async () => {
    const { email, id } = await makeUser()
    await databasePool().query(`
      CREATE TABLE IF NOT EXISTS seen_jobs (payload text);
      CREATE OR REPLACE FUNCTION note_job() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN INSERT INTO seen_jobs VALUES (NEW.payload::text); RETURN NEW; END $$;
      CREATE OR REPLACE TRIGGER note_job AFTER INSERT ON graphile_worker._private_jobs
        FOR EACH ROW EXECUTE FUNCTION note_job()`)
    const token = await resetToken(email)
    await queueIsEmpty()
    const { rows: jobs } = await databasePool().query<{ payload: string }>('SELECT payload FROM seen_jobs')
    await databasePool().query('DROP TRIGGER note_job ON graphile_worker._private_jobs; DROP TABLE seen_jobs')
    const rows = await prisma().emailToken.findMany({ where: { userId: id } })
    expect(jobs.some(({ payload }) => payload.includes('reset-password'))).toBe(true)
    expect(rows).toHaveLength(1)
    const hex = Buffer.from(token).toString('hex')
    for (const text of [JSON.stringify([jobs, rows, loggedLines()]), rows.map((row) => Buffer.from(row.hash)).join()]) {
      expect(text).not.toContain(token)
      expect(text).not.toContain(hex)
    }
    expect(JSON.stringify(loggedLines())).not.toContain(email)
  })

  it('makes one token and one mail of a job that is run twice', async () => {
    const { email, id } = await makeUser()
    const wish = { email, messageId: randomUUID(), origin: { ip: '192.0.2.1', requestId: 'twice' } }
    await Promise.all([issuePasswordReset(wish), issuePasswordReset(wish)])
    await issuePasswordReset(wish)
    await queueIsEmpty()
    expect(await mailsTo(email, RESET)).toHaveLength(1)
    expect(await prisma().emailToken.count({ where: { userId: id } })).toBe(1)
  })

  it('does not let anybody flood a mailbox', async () => {
    const { email } = await makeUser()
    await Promise.all(Array.from({ length: 12 }, () => forgot(email)))
    await queueIsEmpty()
    expect(await mailsTo(email, RESET)).toHaveLength(5)
  })

  it.each([
    {},
    { email: 'nobody' },
    { email: 'a@b.cc', role: 'admin' },
    { email: 'a@b.cc\r\nBcc: c@d.ee' },
    { email: [] },
  ])('refuses %j', async (json) => {
    const answer = await api('POST', '/api/auth/forgot-password', { json })
    expect(answer.status).toBe(400)
    expect(answer.json.error.code).toBe('VALIDATION_ERROR')
  })
})

describe('POST /api/auth/reset-password', () => {
  describe('success', () => {
    it('sets the password, ends every session, verifies the address, tells the owner and keeps the event', async () => {
      const { user, token: accessToken } = await signIn()
      const token = await resetToken(user.email)
      expect((await reset(token)).status).toBe(204)
      expect((await api('GET', '/api/auth/me', { token: accessToken })).status).toBe(401)
      expect((await login(user.email, PASSWORD)).status).toBe(401)
      expect((await login(user.email, NEW_PASSWORD)).status).toBe(200)
      expect(await isVerified(user.id)).toBe(true)
      expect(await prisma().auditEvent.count({ where: { actorId: user.id, action: 'password_reset' } })).toBe(1)
      await waitFor('the notice', async () => (await mailsTo(user.email, 'was changed')).length === 1)
    })

    it('is done once, however many try at once', async () => {
      const { email } = await makeUser()
      const token = await resetToken(email)
      const passwords = Array.from({ length: 20 }, (_, index) => `password number ${index}`)
      const answers = await Promise.all(passwords.map((password) => reset(token, password)))
      expect(answers.map((answer) => answer.status).toSorted()).toEqual([204, ...Array<number>(19).fill(401)])
      const codes = answers.filter((answer) => answer.status === 401).map((answer) => answer.json.error.code)
      expect(codes).toEqual(Array(19).fill('TOKEN_REUSED'))
      const winner = passwords[answers.findIndex((answer) => answer.status === 204)] ?? ''
      expect((await login(email, winner)).status).toBe(200)
    })
  })

  describe('validation', () => {
    it('does not spend the token on a password that will not do', async () => {
      const { email } = await makeUser()
      const token = await resetToken(email)
      for (const password of ['short', 'ü'.repeat(37)]) {
        const answer = await reset(token, password)
        expect(answer.status).toBe(400)
        expect(Object.keys(answer.json.error.details)).toEqual(['password'])
      }
      expect((await reset(token)).status).toBe(204)
    })

    it.each([
      {},
      { token: '', password: NEW_PASSWORD },
      { token: 1, password: NEW_PASSWORD },
      { token: 'x'.repeat(513), password: NEW_PASSWORD },
    ])('refuses %j', async (json) => {
      expect((await api('POST', '/api/auth/reset-password', { json })).status).toBe(400)
    })
  })

  describe('authentication', () => {
    const refused = async (token: string, code: string) => {
      const answer = await reset(token)
      expect(answer.status).toBe(401)
      expect(answer.json.error.code).toBe(code)
      expect(answer.headers.get('www-authenticate')).toBe('Bearer')
    }

    it('refuses a token that is made up', async () => {
      await refused('made-up', 'INVALID_TOKEN')
      await refused("%00' OR 1=1 --", 'INVALID_TOKEN')
    })

    it('refuses a token that has expired, and one that was used', async () => {
      const user = await makeUser()
      const token = await resetToken(user.email)
      await expireTokens(user.id)
      await refused(token, 'TOKEN_EXPIRED')
      const other = await makeUser()
      const used = await resetToken(other.email)
      await reset(used)
      await refused(used, 'TOKEN_REUSED')
      await expireTokens(other.id)
      await refused(used, 'TOKEN_REUSED')
    })

    it('refuses every older token once a new password is set', async () => {
      const { email } = await makeUser()
      await forgot(email)
      await forgot(email)
      const [first = '', second = ''] = await mailedTokens(email, RESET, 2)
      expect((await reset(second)).status).toBe(204)
      await refused(first, 'INVALID_TOKEN')
    })

    it('refuses a token that went to an address which the account has no more', async () => {
      const { user, token: accessToken } = await signIn()
      const token = await resetToken(user.email)
      await api('PATCH', `/api/users/${user.id}`, { token: accessToken, json: { email: freshEmail() } })
      await refused(token, 'INVALID_TOKEN')
    })

    it('refuses the token of an account that is gone, and one that is for verifying', async () => {
      const { user, token: accessToken } = await signIn()
      const token = await resetToken(user.email)
      await sendVerification(accessToken)
      const [forVerifying = ''] = await mailedTokens(user.email, VERIFY)
      await refused(forVerifying, 'INVALID_TOKEN')
      await prisma().user.delete({ where: { id: user.id } })
      await refused(token, 'INVALID_TOKEN')
    })

    it('refuses what lies in the table in place of the token', async () => {
      const user = await makeUser()
      await resetToken(user.email)
      const row = await prisma().emailToken.findFirstOrThrow({ where: { userId: user.id } })
      await refused(Buffer.from(row.hash).toString('base64url'), 'INVALID_TOKEN')
    })
  })
})

describe('verification of an address', () => {
  it('is asked for by mail on signing up, by anybody or through an admin, and works once', async () => {
    const email = freshEmail()
    const signedUp = await api('POST', '/api/auth/register', { json: { email, password: PASSWORD } })
    expect(signedUp.json.user.emailVerified).toBe(false)
    const [token = ''] = await mailedTokens(email, VERIFY)
    expect((await verify(token)).status).toBe(204)
    const me = await api<{ user: { emailVerified: boolean } }>('GET', '/api/auth/me', { token: signedUp.json.token })
    expect(me.json.user.emailVerified).toBe(true)
    expect((await verify(token)).json.error.code).toBe('TOKEN_REUSED')

    const other = freshEmail()
    await api('POST', '/api/users', { json: { email: other, password: PASSWORD } })
    expect(await mailedTokens(other, VERIFY)).toHaveLength(1)
  })

  it('is asked for again when the address changes, and the old address is told', async () => {
    const { user, token: accessToken } = await signIn()
    await sendVerification(accessToken)
    const [old = ''] = await mailedTokens(user.email, VERIFY)
    const email = freshEmail()
    await api('PATCH', `/api/users/${user.id}`, { token: accessToken, json: { email } })
    const late = await verify(old)
    expect(late.status).toBe(401)
    expect(late.json.error.code).toBe('INVALID_TOKEN')
    const [token = ''] = await mailedTokens(email, VERIFY)
    expect((await verify(token)).status).toBe(204)
    expect(await isVerified(user.id)).toBe(true)
    await waitFor('the notice', async () => (await mailsTo(user.email, 'was changed')).length === 1)
    await api('PATCH', `/api/users/${user.id}`, { token: accessToken, json: { email, name: 'Grace' } })
    await queueIsEmpty()
    expect(await isVerified(user.id)).toBe(true)
    expect(await mailsTo(email, VERIFY)).toHaveLength(1)
  })

  it('is asked for on request, unless the address is verified', async () => {
    const { user, token: accessToken } = await signIn()
    expect((await sendVerification(accessToken)).status).toBe(204)
    const [token = ''] = await mailedTokens(user.email, VERIFY)
    await verify(token)
    expect((await sendVerification(accessToken)).status).toBe(204)
    await queueIsEmpty()
    expect(await mailsTo(user.email, VERIFY)).toHaveLength(1)
  })

  it('counts once when many click at once', async () => {
    const { user, token: accessToken } = await signIn()
    await sendVerification(accessToken)
    const [token = ''] = await mailedTokens(user.email, VERIFY)
    const answers = await Promise.all(Array.from({ length: 20 }, () => verify(token)))
    expect(answers.map((answer) => answer.status).toSorted()).toEqual([204, ...Array<number>(19).fill(401)])
    expect(await prisma().auditEvent.count({ where: { actorId: user.id, action: 'email_verified' } })).toBe(1)
  })

  it('refuses a made-up token, an expired one, and one that is for a new password', async () => {
    const { user, token: accessToken } = await signIn()
    await sendVerification(accessToken)
    const [token = ''] = await mailedTokens(user.email, VERIFY)
    const forReset = await resetToken(user.email)
    await expireTokens(user.id)
    const codes = [await verify('made-up'), await verify(token), await verify(forReset)].map(
      (answer) => answer.json.error.code,
    )
    expect(codes).toEqual(['INVALID_TOKEN', 'TOKEN_EXPIRED', 'INVALID_TOKEN'])
    expect(await isVerified(user.id)).toBe(false)
  })

  it('refuses to send to an anonymous caller or an API key, and a body that is no token', async () => {
    expect((await api('POST', '/api/auth/send-verification-email')).status).toBe(401)
    const { key } = await makeApiKey(await makeUser(), ['users:write'])
    expect((await sendVerification(key)).status).toBe(403)
    expect((await api('POST', '/api/auth/verify-email', { json: {} })).status).toBe(400)
  })

  it('lives as long as the setting says', async () => {
    const before = config()
    setConfig({ ...before, verifyTokenTtlSeconds: 1 })
    const { user, token: accessToken } = await signIn()
    await sendVerification(accessToken)
    const row = await prisma().emailToken.findFirstOrThrow({ where: { userId: user.id } })
    setConfig(before)
    expect(row.expiresAt.getTime() - row.createdAt.getTime()).toBeLessThan(2_000)
    await queueIsEmpty()
  })
})
