import { prisma } from '@/lib/platform/db/prisma'
import { enqueue } from '@/lib/platform/queue/enqueue'
import { api } from '../../../support/api'
import { signIn } from '../../../support/factories'

describe('DELETE /api/jobs/:id', () => {
  it('deletes a waiting job', async () => {
    const { token } = await signIn({ role: 'admin' })
    const id = await enqueue('clean-up', {})
    expect((await api('DELETE', `/api/jobs/${id}`, { token })).status).toBe(204)
    expect((await api('DELETE', `/api/jobs/${id}`, { token })).status).toBe(404)
  })

  it('returns 409 while a worker executes the job', async () => {
    const { token } = await signIn({ role: 'admin' })
    const id = await enqueue('clean-up', {})
    await prisma().$executeRaw`
      UPDATE graphile_worker._private_jobs SET locked_at = now(), locked_by = 'w' WHERE id = ${id}::bigint`
    const { status, json } = await api('DELETE', `/api/jobs/${id}`, { token })
    expect([status, json.error.code]).toEqual([409, 'CONFLICT'])
  })

  it('returns 400 for an invalid id, 401 without credentials and 403 to other users', async () => {
    const { token } = await signIn({ role: 'admin' })
    const id = await enqueue('clean-up', {})
    expect((await api('DELETE', '/api/jobs/x', { token })).status).toBe(400)
    expect((await api('DELETE', `/api/jobs/${id}`)).status).toBe(401)
    expect((await api('DELETE', `/api/jobs/${id}`, { token: (await signIn()).token })).status).toBe(403)
  })
})
