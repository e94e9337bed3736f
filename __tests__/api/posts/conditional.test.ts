import { prisma } from '@/lib/platform/db/prisma'
import { api } from '../../support/api'
import { uniqueEmail, signIn } from '../../support/factories'
import { createFamilyFixture, createPost, queuedInvitationEmails, type Caller } from '../../support/families'

/** Resources, each with a function that creates it, and a change. */
const resources: [string, (owner: Caller) => Promise<string>, string, object][] = [
  ['a post', async (owner) => `/api/posts/${await createPost(owner)}`, 'PATCH', { title: 'New' }],
  [
    'a family',
    async ({ token }) =>
      `/api/families/${(await api('POST', '/api/families', { token, json: { name: 'F' } })).json.id}`,
    'PATCH',
    { name: 'New' },
  ],
  ['a profile', async ({ user }) => `/api/users/${user.id}/profile`, 'PUT', { bio: 'New' }],
]

describe.each(resources)('conditional requests for %s', (_title, create, method, json) => {
  it('returns 304 for a matching If-None-Match and 412 for another If-Match', async () => {
    const owner = await signIn()
    const { token } = owner
    const url = await create(owner)
    const tag = (await api('GET', url, { token })).headers.get('etag') ?? ''
    const known = await api('GET', url, { token, headers: { 'If-None-Match': tag } })
    expect([known.status, known.text]).toEqual([304, ''])
    const stale = await api(method, url, { token, json, headers: { 'If-Match': '"another"' } })
    expect([stale.status, stale.json.error.code]).toEqual([412, 'PRECONDITION_FAILED'])
    expect((await api('GET', url, { token })).headers.get('etag')).toBe(tag)
  })

  it('executes one of two concurrent changes', async () => {
    const owner = await signIn()
    const { token } = owner
    const url = await create(owner)
    const tag = (await api('GET', url, { token })).headers.get('etag') ?? ''
    const change = () => api(method, url, { token, json, headers: { 'If-Match': tag } })
    const responses = await Promise.all([change(), change()])
    expect(responses.map(({ status }) => status).sort()).toEqual([200, 412])
  })
})

describe('DELETE with If-Match', () => {
  it('deletes posts, families and members only if the tag matches', async () => {
    const { owner, member, url } = await createFamilyFixture()
    const post = `/api/posts/${await createPost(owner)}`
    for (const target of [post, `${url}/members/${member.user.id}`, url]) {
      const remove = async (tag: string) =>
        (await api('DELETE', target, { token: owner.token, headers: { 'If-Match': tag } })).status
      expect(await remove('"another"')).toBe(412)
      expect(await remove('*')).toBe(204)
    }
  })
})

describe('POST with an Idempotency-Key', () => {
  it('creates one resource and enqueues one e-mail', async () => {
    const { owner, url } = await createFamilyFixture()
    const { token } = owner
    const email = uniqueEmail()
    const headers = { 'Idempotency-Key': 'the-same' }
    const creations: [string, object][] = [
      ['/api/posts', { title: 'Once', content: email }],
      ['/api/families', { name: 'Once' }],
      [`${url}/invitations`, { email }],
    ]
    for (const [path, json] of creations) {
      const first = await api('POST', path, { token, json, headers })
      const again = await api('POST', path, { token, json, headers })
      expect([first.status, again.status, again.json.id]).toEqual([201, 201, first.json.id])
      expect(again.headers.get('location')).toBe(first.headers.get('location'))
      expect(again.headers.get('idempotency-replayed')).toBe('true')
      const other = await api('POST', path, { token, json: { ...json, visibility: 'public' }, headers })
      expect([400, 422]).toContain(other.status)
    }
    expect(await prisma().post.count({ where: { content: email } })).toBe(1)
    expect(await queuedInvitationEmails(email)).toHaveLength(1)
  })
})
