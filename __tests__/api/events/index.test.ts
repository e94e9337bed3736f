import { randomUUID } from 'node:crypto'
import { prisma } from '@/lib/platform/db/prisma'
import { deleteOldEvents } from '@/lib/domains/events/repository'
import { api } from '../../support/api'
import { feedEnd, readFeed, summary, type ReceivedEvent } from '../../support/events'
import { createApiKey, newProduct, PASSWORD, signIn, uniqueEmail } from '../../support/factories'
import { createFamilyFixture, queuedInvitationEmails } from '../../support/families'

type Created = { id: number; [key: string]: unknown }

const create = async (token: string, path: string, json: object) => {
  const response = await api<Created>('POST', path, { token, json })
  expect(response.status).toBe(201)
  return response.json
}

describe('GET /api/events', () => {
  it('returns the resource as a GET returns it, the actor and the subject', async () => {
    const { owner, member, family } = await createFamilyFixture()
    const after = await feedEnd()
    const post = await create(member.token, '/api/posts', {
      title: 'Notes',
      content: 'On the engine',
      visibility: 'family',
      familyId: family.id,
    })
    const [event] = await readFeed(owner.token, after)
    expect(event).toEqual({
      id: expect.stringMatching(/^evt_[0-9a-f]{16}$/),
      type: 'post.created',
      createdAt: expect.stringMatching(/Z$/),
      actorId: member.user.id,
      subject: { type: 'post', id: post.id },
      data: (await api('GET', `/api/posts/${post.id}`, { token: owner.token })).json,
    })
    expect(await readFeed(owner.token, event?.id ?? '')).toEqual([])
  })

  it('sends every change of posts to those who could see it, and its deletion to those who no longer can', async () => {
    const { owner, member, otherUser, admin, family } = await createFamilyFixture()
    const after = await feedEnd()
    const { id } = await create(member.token, '/api/posts', { title: 'A', content: 'B', visibility: 'public' })
    const patch = (json: object) => api('PATCH', `/api/posts/${id}`, { token: member.token, json })
    await patch({ visibility: 'family', familyId: family.id })
    await patch({ visibility: 'private' })
    await patch({ visibility: 'public' })
    await api('DELETE', `/api/posts/${id}`, { token: member.token })
    const [created, updated, deleted, gone] = [
      ...['created', 'updated', 'deleted'].map((change) => `post.${change} ${id}`),
      `post.deleted ${id} null`,
    ]
    expect(deleted).toBeDefined()
    expect(summary(await readFeed(member.token, after))).toEqual([created, updated, updated, updated, gone])
    expect(summary(await readFeed(admin.token, after))).toEqual([created, updated, updated, updated, gone])
    expect(summary(await readFeed(owner.token, after))).toEqual([created, updated, gone, updated, gone])
    expect(summary(await readFeed(otherUser.token, after))).toEqual([created, gone, updated, gone])
  })

  it('sends changes of families and invitations to members and owners, also those that leaving hides', async () => {
    const { owner, otherOwner, member, otherUser, admin, family, url } = await createFamilyFixture()
    const shared = await create(owner.token, '/api/posts', {
      title: 'A',
      content: 'B',
      visibility: 'family',
      familyId: family.id,
    })
    const own = await create(member.token, '/api/posts', {
      title: 'A',
      content: 'B',
      visibility: 'family',
      familyId: family.id,
    })
    const after = await feedEnd()
    const invitation = await create(owner.token, `${url}/invitations`, { email: otherUser.user.email })
    const [mail] = await queuedInvitationEmails(otherUser.user.email)
    await api('POST', '/api/invitations/accept', { token: otherUser.token, json: { token: mail?.token } })
    const open = await create(owner.token, `${url}/invitations`, { email: uniqueEmail() })
    await api('PATCH', `${url}/members/${otherOwner.user.id}`, { token: owner.token, json: { role: 'member' } })
    await api('PATCH', url, { token: owner.token, json: { name: 'New' } })
    await api('DELETE', `${url}/members/${member.user.id}`, { token: member.token })
    await api('PATCH', url, { token: owner.token, json: { name: 'Newer' } })
    await api('DELETE', url, { token: owner.token })
    const ofFamily = (change: string) => `family.${change} ${family.id}`
    const before = [ofFamily('member_added'), ofFamily('member_updated'), ofFamily('updated')]
    const remaining = [
      ...[ofFamily('member_removed'), ofFamily('updated'), `post.deleted ${shared.id} null`],
      `${ofFamily('deleted')} null`,
    ]
    const feedOf = async ({ token }: { token: string }) =>
      summary(await readFeed(token, after)).filter((text) => !text.startsWith('user.'))
    const hidden = `post.deleted ${own.id} null`
    expect(await feedOf(otherUser)).toEqual([...before, ...remaining.toSpliced(3, 0, hidden)])
    expect(await feedOf(member)).toEqual([
      ...before,
      `${ofFamily('deleted')} null`,
      `post.deleted ${shared.id} null`,
      hidden,
    ])
    expect(await feedOf(otherOwner)).toEqual([
      ...[`invitation.created ${invitation.id}`, `invitation.accepted ${invitation.id}`, ofFamily('member_added')],
      ...[`invitation.created ${open.id}`, ofFamily('member_updated'), `invitation.revoked ${open.id} null`],
      ...[ofFamily('updated'), ...remaining.toSpliced(3, 0, hidden)],
    ])
    expect(await feedOf(admin)).toEqual([`post.deleted ${shared.id} null`, hidden])
    const [last] = (await feedOf(owner)).slice(-2, -1)
    expect(last).toBe(`invitation.revoked ${open.id} null`)
  })

  it('sends changes of users to themselves and admins, of profiles to everyone, of messages to admins', async () => {
    const [admin, reader] = [await signIn({ role: 'admin' }), await signIn()]
    const after = await feedEnd()
    const registered = await api('POST', '/api/auth/register', { json: { email: uniqueEmail(), password: PASSWORD } })
    const { token, user } = registered.json
    await api('PATCH', `/api/users/${user.id}`, { token, json: { name: 'Ada' } })
    await api('PUT', `/api/users/${user.id}/profile`, { token, json: { bio: 'Hello' } })
    const own = await readFeed(token, after)
    await api('POST', '/api/posts', { token, json: { title: 'A', content: 'B', visibility: 'public' } })
    await api('POST', '/api/files/me/a.txt', { token, body: 'x', headers: { 'Content-Type': 'text/plain' } })
    await api('POST', '/api/contact', { json: { name: 'Ada', email: user.email, message: 'Is it for sale?' } })
    expect((await api('DELETE', `/api/users/${user.id}`, { token })).status).toBe(204)
    const types = (events: ReceivedEvent[]) => events.map(({ type }) => type)
    expect(types(own)).toEqual(['user.created', 'user.updated', 'profile.updated'])
    expect(own[1]?.data).toMatchObject({ id: user.id, name: 'Ada' })
    expect(types(await readFeed(admin.token, after))).toEqual([
      ...['user.created', 'user.updated', 'profile.updated', 'post.created', 'file.created', 'contact.created'],
      ...['post.deleted', 'file.deleted', 'user.deleted'],
    ])
    expect(types(await readFeed(reader.token, after))).toEqual(['profile.updated', 'post.created', 'post.deleted'])
  })

  it('sends changes of products and one event with counts for an import', async () => {
    const [admin, reader] = [await signIn({ role: 'admin' }), await signIn()]
    const after = await feedEnd()
    const product = await create(admin.token, '/api/products', newProduct({}))
    const updated = await api('PATCH', `/api/products/${product.id}`, { token: admin.token, json: { stock: 1 } })
    const lines = Array.from({ length: 600 }, () => JSON.stringify(newProduct({ sku: randomUUID() })))
    const body = [...lines, JSON.stringify({ ...newProduct({}), sku: product['sku'] }), '{}'].join('\n')
    const headers = { 'Content-Type': 'application/x-ndjson' }
    await api('POST', '/api/products/import', { token: admin.token, body, headers })
    await api('DELETE', `/api/products/${product.id}`, { token: admin.token })
    const events = await readFeed(reader.token, after)
    expect(summary(events)).toEqual([
      ...[`product.created ${product.id}`, `product.updated ${product.id}`, 'product.imported null'],
      `product.deleted ${product.id} null`,
    ])
    expect(events.map(({ data }) => data)).toEqual([
      product,
      updated.json,
      { created: 600, updated: 1, failed: 1 },
      null,
    ])
    expect(events.every(({ actorId }) => actorId === admin.user.id)).toBe(true)
  })

  it('sends changes of files to the owner and admins, of public ones to everyone', async () => {
    const [owner, admin, reader] = [await signIn(), await signIn({ role: 'admin' }), await signIn()]
    const after = await feedEnd()
    const headers = { 'Content-Type': 'text/plain' }
    const url = '/api/files/me/notes/a.txt'
    await api('PUT', url, { token: owner.token, body: 'x', headers })
    await api('PATCH', url, { token: owner.token, json: { visibility: 'public' } })
    await api('PUT', url, { token: owner.token, body: 'y', headers })
    await api('PATCH', url, { token: owner.token, json: { visibility: 'private' } })
    await api('DELETE', url, { token: owner.token })
    const typesFor = async ({ token }: { token: string }) => (await readFeed(token, after)).map(({ type }) => type)
    const all = ['file.created', 'file.updated', 'file.updated', 'file.updated', 'file.deleted']
    expect([await typesFor(owner), await typesFor(admin)]).toEqual([all, all])
    expect(await typesFor(reader)).toEqual(['file.updated', 'file.updated', 'file.deleted'])
  })

  it('pages, filters by type and stops where nothing is left', async () => {
    const author = await signIn()
    const after = await feedEnd()
    for (const title of ['1', '2', '3'])
      await create(author.token, '/api/posts', { title, content: 'x', visibility: 'public' })
    await api('PUT', `/api/users/${author.user.id}/profile`, { token: author.token, json: {} })
    type Page = { events: ReceivedEvent[]; pagination: { limit: number; nextCursor: string | null } }
    const page = (query: string) => api<Page>('GET', `/api/events?${query}`, { token: author.token })
    const first = await page(`after=${after}&limit=2`)
    expect(first.json.pagination).toEqual({ limit: 2, nextCursor: first.json.events[1]?.id })
    expect(first.headers.get('link')).toContain(`after=${first.json.events[1]?.id}`)
    const second = await page(`after=${first.json.pagination.nextCursor}&limit=2`)
    expect(second.json.pagination).toEqual({ limit: 2, nextCursor: null })
    const ids = [...first.json.events, ...second.json.events].map(({ id }) => id)
    expect([...ids].sort()).toEqual(ids)
    const filtered = await readFeed(author.token, after, '&types=profile.updated,family.*')
    expect(filtered.map(({ type }) => type)).toEqual(['profile.updated'])
    const { headers } = await page(`after=${after}`)
    const repeated = await api('GET', `/api/events?after=${after}`, {
      token: author.token,
      headers: { 'If-None-Match': headers.get('etag') ?? '' },
    })
    expect(repeated.status).toBe(304)
  })

  it.each([
    'after=1',
    'after=evt_7fffffffffffffff',
    'types=post',
    'types=',
    'types=x.created',
    'types=post.*,',
    'limit=0',
    'page=1',
  ])('returns 400 for %s', async (query) => {
    expect((await api('GET', `/api/events?${query}`, { token: (await signIn()).token })).status).toBe(400)
  })

  it('returns 410 after an event that is older than those stored, and starts from the oldest stored without an id', async () => {
    const author = await signIn()
    const before = await feedEnd()
    for (const title of ['1', '2', '3'])
      await create(author.token, '/api/posts', { title, content: 'x', visibility: 'public' })
    const [, second, third] = await readFeed(author.token, before)
    await prisma()
      .$executeRaw`UPDATE events SET created_at = now() - interval '8 days' WHERE 'evt_' || lpad(to_hex(position), 16, '0') <= ${second?.id}`
    expect(await deleteOldEvents()).toBeGreaterThan(1)
    const expired = await api('GET', `/api/events?after=${before}`, { token: author.token })
    expect([expired.status, expired.json.error.code]).toEqual([410, 'CURSOR_EXPIRED'])
    expect((await readFeed(author.token, '')).map(({ id }) => id)).toEqual([third?.id])
    expect((await readFeed(author.token, second?.id ?? '')).map(({ id }) => id)).toEqual([third?.id])
  })

  it('returns 401 without credentials and 403 to a key without events:read', async () => {
    const { user } = await signIn()
    expect((await api('GET', '/api/events')).status).toBe(401)
    const { key } = await createApiKey(user, ['posts:read'])
    expect((await api('GET', '/api/events', { token: key })).status).toBe(403)
    const { key: allowed } = await createApiKey(user, ['events:read'])
    expect((await api('GET', '/api/events', { token: allowed })).status).toBe(200)
  })
})
