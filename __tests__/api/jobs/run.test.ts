import { config, setConfig } from '@/lib/config'
import { prisma } from '@/lib/platform/db/prisma'
import { enqueue } from '@/lib/platform/queue/enqueue'
import { api } from '../../support/api'
import { createSession, createUser, signIn, uniqueEmail } from '../../support/factories'
import { mailsTo } from '../../support/mail'

const SECRET = 'the secret of a scheduler'
const run = (token?: string) => api('POST', '/api/jobs/run', { token })

beforeEach(async () => {
  await prisma().$executeRaw`DELETE FROM graphile_worker._private_jobs`
  setConfig({ ...config(), cronSecret: SECRET })
})

describe('POST /api/jobs/run', () => {
  it('runs due jobs and the clean-up, and leaves later jobs', async () => {
    const email = uniqueEmail()
    const content = { template: 'password-changed' } as const
    await enqueue('send-mail', { messageId: crypto.randomUUID(), to: email, content })
    await enqueue('clean-up', {}, { runAt: new Date(Date.now() + 3_600_000) })
    const { sessionId } = await createSession(await createUser())
    await prisma().session.update({
      where: { id: sessionId },
      data: { expiresAt: new Date(Date.now() - 90 * 86_400_000) },
    })
    const { status, json } = await run(SECRET)
    expect(status).toBe(200)
    expect(json).toEqual({ done: 1, failed: 0, remaining: 0 })
    expect(await mailsTo(email)).toHaveLength(1)
    expect(await prisma().session.count({ where: { id: sessionId } })).toBe(0)
  })

  it('counts failed attempts, which are retried later', async () => {
    await prisma().$executeRaw`
      SELECT FROM graphile_worker.add_job('send-mail', payload => '{"to":"nobody"}'::json, max_attempts => 2)`
    expect((await run(SECRET)).json).toEqual({ done: 0, failed: 1, remaining: 0 })
    expect(await prisma().$queryRaw`SELECT attempts FROM graphile_worker.jobs`).toEqual([{ attempts: 1 }])
  })

  it('takes over the jobs of a run that was killed, but not those of one that is alive', async () => {
    const id = await enqueue('clean-up', {})
    await prisma().$executeRaw`
      UPDATE graphile_worker._private_jobs SET locked_at = now() - interval '1 minute', locked_by = 'killed'
      WHERE id = ${id}::bigint`
    expect((await run(SECRET)).json).toEqual({ done: 1, failed: 0, remaining: 0 })
  })

  it('runs each job once when two runs coincide', async () => {
    for (let count = 0; count < 8; count += 1) await enqueue('delete-unreferenced-files', {})
    const runs = await Promise.all([run(SECRET), run(SECRET)])
    const done = runs.map(({ json }) => Number(Object.entries(json).find(([name]) => name === 'done')?.[1]))
    expect(done.reduce((sum, one) => sum + one, 0)).toBe(8)
  })

  it('returns 401 without the secret, for another one, for an admin, and when none is configured', async () => {
    const { token } = await signIn({ role: 'admin' })
    for (const given of [undefined, `${SECRET}x`, token]) expect((await run(given)).status).toBe(401)
    setConfig({ ...config(), cronSecret: undefined })
    expect((await run(SECRET)).status).toBe(401)
  })
})
