import { randomUUID } from 'node:crypto'
import { databasePool, prisma } from '@/lib/platform/db/prisma'
import { issuePasswordReset } from '@/lib/domains/auth/recovery/service'
import { api } from '../../support/api'
import { uniqueEmail, createUser } from '../../support/factories'
import { loggedLines } from '../../support/log'
import { mailedTokens, mailsTo, useMailFolder } from '../../support/mail'
import { waitFor } from '../../support/wait'
import { useWorker } from '../../support/worker'

useMailFolder()

useWorker()

const RESET = 'Set a new password'

const forgot = (email: string) => api('POST', '/api/auth/forgot-password', { json: { email } })

const queueIsEmpty = () =>
  waitFor('the queue to be empty', async () => {
    const { rows } = await databasePool().query<{ count: number }>(
      `SELECT count(*)::int FROM graphile_worker.jobs WHERE task_identifier <> 'clean-up'`,
    )
    return rows[0]?.count === 0
  })

async function resetToken(email: string): Promise<string> {
  await forgot(email)
  const [token = ''] = await mailedTokens(email, RESET)
  return token
}

describe('POST /api/auth/forgot-password', () => {
  it('mails a link only to a known address, with the same response for an unknown one', async () => {
    const { email, id } = await createUser()
    const unknownEmail = uniqueEmail()
    const responses = [await forgot(` ${email.toUpperCase()} `), await forgot(unknownEmail)]
    expect(responses.map(({ status, text }) => `${status} ${text}`)).toEqual(['204 ', '204 '])
    const names = responses.map(({ headers }) => [...headers.keys()].toSorted())
    expect(names[0]).toEqual(names[1])
    const [token = ''] = await mailedTokens(email, RESET)
    expect(token).toMatch(/^[\w-]{43}$/)
    await queueIsEmpty()
    expect(await mailsTo(unknownEmail)).toEqual([])
    const event = await prisma().auditEvent.findFirst({ where: { actorId: id, action: 'password_reset_requested' } })
    expect(event?.requestId).toBe(responses[0]?.headers.get('x-request-id'))
  })

  it('stores no plaintext token in tables, queue or log', async () => {
    const { email, id } = await createUser()
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

  it('creates one token and one e-mail when a job runs twice', async () => {
    const { email, id } = await createUser()
    const wish = { email, messageId: randomUUID(), client: { ip: '192.0.2.1', requestId: 'twice' } }
    await Promise.all([issuePasswordReset(wish), issuePasswordReset(wish)])
    await issuePasswordReset(wish)
    await queueIsEmpty()
    expect(await mailsTo(email, RESET)).toHaveLength(1)
    expect(await prisma().emailToken.count({ where: { userId: id } })).toBe(1)
  })

  it('limits the number of e-mails to an address', async () => {
    const { email } = await createUser()
    await Promise.all(Array.from({ length: 12 }, () => forgot(email)))
    await queueIsEmpty()
    expect(await mailsTo(email, RESET)).toHaveLength(5)
  })

  it.each([
    {},
    { email: 'not-an-address' },
    { email: 'a@b.cc', role: 'admin' },
    { email: 'a@b.cc\r\nBcc: c@d.ee' },
    { email: [] },
  ])('returns 400 for %j', async (json) => {
    const response = await api('POST', '/api/auth/forgot-password', { json })
    expect(response.status).toBe(400)
    expect(response.json.error.code).toBe('VALIDATION_ERROR')
  })
})
