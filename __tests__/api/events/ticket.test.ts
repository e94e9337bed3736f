import { prisma } from '@/lib/platform/db/prisma'
import { api } from '../../support/api'
import { createApiKey, signIn } from '../../support/factories'

type Ticket = { ticket: string; expiresAt: string }
const issue = (token: string) => api<Ticket>('POST', '/api/events/ticket', { token })
const open = (ticket: string) => api('GET', `/api/events/stream?ticket=${ticket}`)

describe('POST /api/events/ticket', () => {
  it('returns a ticket that opens one stream, once', async () => {
    const { token } = await signIn()
    const { status, json } = await issue(token)
    expect(status).toBe(201)
    expect(Date.parse(json.expiresAt) - Date.now()).toBeLessThanOrEqual(60_000)
    const opened = await open(json.ticket)
    expect([opened.status, opened.headers.get('content-type')]).toEqual([200, 'text/event-stream; charset=utf-8'])
    const again = await open(json.ticket)
    expect([again.status, again.json.error.code]).toEqual([401, 'TOKEN_REUSED'])
  })

  it('is rejected when unknown, expired, or its credential is revoked', async () => {
    const { user, token, sessionId } = await signIn()
    const [expired, revoked, ofKey] = [
      (await issue(token)).json.ticket,
      (await issue(token)).json.ticket,
      (await issue((await createApiKey(user, ['events:read'])).key)).json.ticket,
    ]
    expect((await open('unknown')).json.error.code).toBe('INVALID_TOKEN')
    await prisma().eventTicket.updateMany({
      data: { expiresAt: new Date() },
      where: { userId: user.id, apiKeyId: null },
    })
    expect((await open(expired)).json.error.code).toBe('TOKEN_EXPIRED')
    await prisma().session.delete({ where: { id: sessionId } })
    expect((await open(revoked)).json.error.code).toBe('INVALID_TOKEN')
    expect((await open(ofKey)).status).toBe(200)
  })

  it('is not stored', async () => {
    const { user, token } = await signIn()
    const { ticket } = (await issue(token)).json
    const [row] = await prisma().eventTicket.findMany({ where: { userId: user.id } })
    expect(row && Buffer.from(row.hash).toString('base64url')).not.toBe(ticket)
  })

  it('returns 400 for a body with keys, 401 without credentials and 403 to a key without events:read', async () => {
    const { user, token } = await signIn()
    expect((await api('POST', '/api/events/ticket', { token, json: { a: 1 } })).status).toBe(400)
    expect((await api('POST', '/api/events/ticket')).status).toBe(401)
    const { key } = await createApiKey(user, ['posts:read'])
    expect((await issue(key)).status).toBe(403)
  })
})
