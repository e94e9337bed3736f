import { prisma } from '@/lib/platform/db/prisma'
import { enqueue } from '@/lib/platform/queue/enqueue'
import { api } from '../../support/api'
import { createApiKey, signIn } from '../../support/factories'

type Jobs = { jobs: { id: number; name: string; state: string; attempts: number; lastError: string | null }[] }

const list = async (query = '') => {
  const { token } = await signIn({ role: 'admin' })
  return api<Jobs>('GET', `/api/jobs?${query}`, { token })
}

beforeEach(() => prisma().$executeRaw`DELETE FROM graphile_worker._private_jobs`)

describe('GET /api/jobs', () => {
  it('lists jobs with their state, attempts and last error, newest first, without payloads', async () => {
    const waiting = await enqueue('clean-up', { secret: 'do not show' })
    const failed = await enqueue('delete-unreferenced-files', {})
    await prisma().$executeRaw`
      UPDATE graphile_worker._private_jobs SET attempts = max_attempts, last_error = 'no connection',
        created_at = created_at + interval '1 second' WHERE id = ${failed}::bigint`
    const { status, json, text } = await list()
    expect(status).toBe(200)
    expect(json.jobs).toMatchObject([
      {
        id: Number(failed),
        name: 'delete-unreferenced-files',
        state: 'failed',
        attempts: 16,
        lastError: 'no connection',
      },
      { id: Number(waiting), name: 'clean-up', state: 'waiting', attempts: 0, lastError: null },
    ])
    expect(text).not.toContain('do not show')
  })

  it('filters by state and name, and pages by cursor', async () => {
    await enqueue('clean-up', {})
    const running = await enqueue('clean-up', {})
    await prisma().$executeRaw`
      UPDATE graphile_worker._private_jobs SET locked_at = now(), locked_by = 'w' WHERE id = ${running}::bigint`
    expect((await list('state=running&name=clean-up')).json.jobs).toMatchObject([{ id: Number(running) }])
    expect((await list('name=send-mail')).json.jobs).toEqual([])
    expect((await list('sort=runAt&cursor=&limit=1')).json.jobs).toHaveLength(1)
  })

  it.each(['state=lost', 'sort=name', 'q=x'])('returns 400 for ?%s', async (query) => {
    expect((await list(query)).status).toBe(400)
  })

  it('returns 401 without credentials and 403 to users and API keys', async () => {
    const { token } = await signIn()
    const admin = await signIn({ role: 'admin' })
    const { key } = await createApiKey(admin.user, ['users:read'])
    expect((await api('GET', '/api/jobs')).status).toBe(401)
    expect((await api('GET', '/api/jobs', { token })).status).toBe(403)
    expect((await api('GET', '/api/jobs', { token: key })).status).toBe(403)
  })
})
