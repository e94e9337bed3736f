import { deleteOldAuditEvents } from '@/lib/domains/audit/repository'
import type { AuditEvent } from '@/lib/domains/audit/schema'
import { recordEvent } from '@/lib/domains/audit/service'
import { prisma } from '@/lib/platform/db/prisma'
import { api } from '../support/api'
import { createSession, createUser, PASSWORD, signIn } from '../support/factories'

type AuditEvents = { auditEvents: AuditEvent[]; pagination: { total: number } }

const list = async (query: string) => {
  const { token } = await signIn({ role: 'admin' })
  return api<AuditEvents>('GET', `/api/audit-events?${query}`, { token })
}

describe('GET /api/audit-events', () => {
  it('returns action, actor and client, newest first', async () => {
    const { id, email } = await createUser()
    const headers = { 'X-Request-Id': 'the-failed-one' }
    await api('POST', '/api/auth/login', { json: { email, password: 'wrong horse' }, headers })
    await api('POST', '/api/auth/login', { json: { email, password: PASSWORD } })
    const { status, json } = await list(`actorId=${id}`)
    expect(status).toBe(200)
    expect(json.auditEvents.map(({ action }) => action)).toEqual(['sign_in', 'sign_in_failed'])
    expect(json.auditEvents[1]).toEqual({
      id: expect.any(Number),
      action: 'sign_in_failed',
      actorId: id,
      ip: expect.stringMatching(/^(127\.0\.0\.1|::1)$/),
      requestId: 'the-failed-one',
      createdAt: expect.any(String),
      details: { email },
    })
  })

  it('filters by action and actor, with pages', async () => {
    const { user } = await signIn()
    await Promise.all([createSession(user), createSession(user)])
    const { json, headers } = await list(`actorId=${user.id}&action=sign_in&limit=2`)
    expect(json.auditEvents).toHaveLength(2)
    expect(json.pagination.total).toBe(3)
    expect(headers.get('link')).toContain('rel="next"')
    expect((await list(`actorId=${user.id}&action=password_reset`)).json.auditEvents).toEqual([])
  })

  it('keeps the events of deleted accounts', async () => {
    const { user } = await signIn()
    await prisma().user.delete({ where: { id: user.id } })
    expect((await list(`actorId=${user.id}`)).json.auditEvents).toMatchObject([{ action: 'sign_in', actorId: user.id }])
  })

  it('sorts by oldest first with sort', async () => {
    const { user } = await signIn()
    const client = { ip: '192.0.2.1', userAgent: undefined, requestId: 'r' }
    await recordEvent({ action: 'password_reset', actorId: user.id, client })
    const actions = async (sort: string) =>
      (await list(`actorId=${user.id}&sort=${sort}`)).json.auditEvents.map(({ action }) => action)
    expect(await actions('createdAt')).toEqual(['sign_in', 'password_reset'])
    expect(await actions('-createdAt')).toEqual(['password_reset', 'sign_in'])
  })

  it.each(['action=coffee', 'actorId=0', 'actorId=me', 'actorId=1&actorId=2', 'sort=ip', 'q=x'])(
    'returns 400 for ?%s',
    async (query) => {
      expect((await list(query)).status).toBe(400)
    },
  )

  it('returns an empty list for an actorId greater than any id', async () => {
    expect((await list('actorId=99999999999999999999')).json.auditEvents).toEqual([])
  })
})

describe('deleteOldAuditEvents', () => {
  it('deletes the events that are older than the retention period', async () => {
    const { user } = await signIn()
    await createSession(user)
    const [first] = await prisma().auditEvent.findMany({ where: { actorId: user.id }, orderBy: { id: 'asc' } })
    const createdAt = new Date(Date.now() - 366 * 86_400_000)
    await prisma().auditEvent.update({ where: { id: first?.id ?? 0n }, data: { createdAt } })
    expect(await deleteOldAuditEvents()).toBe(1)
    expect(await prisma().auditEvent.count({ where: { actorId: user.id } })).toBe(1)
  })
})
