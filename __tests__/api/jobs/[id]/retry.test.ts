import { prisma } from '@/lib/platform/db/prisma'
import { enqueue } from '@/lib/platform/queue/enqueue'
import { api } from '../../../support/api'
import { signIn } from '../../../support/factories'

const retry = (id: string, token?: string) => api('POST', `/api/jobs/${id}/retry`, { token })

describe('POST /api/jobs/:id/retry', () => {
  it('makes a failed job due with all its attempts', async () => {
    const { token } = await signIn({ role: 'admin' })
    const id = await enqueue('clean-up', {}, { maxAttempts: 2 })
    await prisma().$executeRaw`
      UPDATE graphile_worker._private_jobs SET attempts = 2, last_error = 'no', run_at = now() + interval '1 hour'
      WHERE id = ${id}::bigint`
    const { status, json } = await retry(id, token)
    expect(status).toBe(200)
    expect(json).toMatchObject({ id: Number(id), state: 'waiting', attempts: 0, maxAttempts: 2, lastError: 'no' })
    const [row] = await prisma().$queryRaw<{ isDue: boolean }[]>`
      SELECT run_at <= now() AS "isDue" FROM graphile_worker.jobs WHERE id = ${id}::bigint`
    expect(row?.isDue).toBe(true)
  })

  it('returns 404 for a job that is done and 409 for one that runs', async () => {
    const { token } = await signIn({ role: 'admin' })
    const id = await enqueue('clean-up', {})
    await prisma().$executeRaw`
      UPDATE graphile_worker._private_jobs SET locked_at = now(), locked_by = 'w' WHERE id = ${id}::bigint`
    expect((await retry(id, token)).status).toBe(409)
    expect((await retry('999999999', token)).status).toBe(404)
  })

  it('returns 400 for an invalid id, 401 without credentials and 403 to other users', async () => {
    const { token } = await signIn({ role: 'admin' })
    const id = await enqueue('clean-up', {})
    expect((await retry('0', token)).status).toBe(400)
    expect((await retry(id)).status).toBe(401)
    expect((await retry(id, (await signIn()).token)).status).toBe(403)
  })
})
