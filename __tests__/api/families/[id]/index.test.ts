import type { FamilyWithMembers } from '@/lib/domains/families/schema'
import { prisma } from '@/lib/platform/db/prisma'
import { api } from '../../../support/api'
import { createApiKey, signIn } from '../../../support/factories'
import { createFamilyFixture, createFamily, createPost } from '../../../support/families'

describe('GET /api/families/:id', () => {
  it('returns the family and its members to a member', async () => {
    const { owner, otherOwner, member, family, url } = await createFamilyFixture()
    const response = await api<FamilyWithMembers>('GET', url, { token: member.token })
    expect(response.status).toBe(200)
    expect(response.json).toMatchObject({ id: family.id, name: family.name })
    expect(response.json.members.map(({ user, role }) => [user.id, role])).toEqual([
      [owner.user.id, 'owner'],
      [otherOwner.user.id, 'owner'],
      [member.user.id, 'member'],
    ])
    expect(response.text).not.toMatch(/hash|password/i)
  })

  it('returns at most 100 members', async () => {
    const owner = await signIn()
    const family = await createFamily({ owners: [owner] })
    await prisma().$executeRaw`
      WITH people AS (
        INSERT INTO users (email) SELECT gen_random_uuid() || '@example.test' FROM generate_series(1, 120) RETURNING id
      ) INSERT INTO memberships (family_id, user_id, role) SELECT ${family.id}, id, 'member' FROM people`
    const response = await api<FamilyWithMembers>('GET', `/api/families/${family.id}`, { token: owner.token })
    expect(response.json.members).toHaveLength(100)
  })
})

describe('PUT and PATCH /api/families/:id', () => {
  it.each(['PUT', 'PATCH'])('renames the family by %s', async (method) => {
    const { otherOwner, family, url } = await createFamilyFixture()
    const response = await api<FamilyWithMembers>(method, url, { token: otherOwner.token, json: { name: 'The Kings' } })
    expect([response.status, response.json.id, response.json.name]).toEqual([200, family.id, 'The Kings'])
  })

  it.each([{}, { name: '' }, { name: null }, { name: 'x', ownerId: 1 }])('returns 400 for %j', async (json) => {
    const { owner, url } = await createFamilyFixture()
    expect((await api('PUT', url, { token: owner.token, json })).status).toBe(400)
    expect((await api('PATCH', url, { token: owner.token, json })).status).toBe(400)
  })
})

describe('DELETE /api/families/:id', () => {
  it('deletes the family and its posts', async () => {
    const { owner, member, family, url } = await createFamilyFixture()
    const post = await createPost(member, { visibility: 'family', familyId: family.id })
    const response = await api('DELETE', url, { token: owner.token })
    expect([response.status, response.text]).toEqual([204, ''])
    expect((await api('GET', url, { token: owner.token })).status).toBe(404)
    expect((await api('GET', `/api/posts/${post}`)).status).toBe(404)
    expect((await api('GET', `/api/posts/${post}`, { token: member.token })).status).toBe(404)
  })

  it('executes one of two concurrent requests', async () => {
    const { owner, otherOwner, url } = await createFamilyFixture()
    const responses = await Promise.all([owner, otherOwner].map(({ token }) => api('DELETE', url, { token })))
    expect(responses.map(({ status }) => status).sort()).toEqual([204, 404])
  })
})

describe('authorization for families', () => {
  const requests = [
    ['GET', '', undefined],
    ['PUT', '', { name: 'x' }],
    ['PATCH', '', { name: 'x' }],
    ['DELETE', '', undefined],
    ['GET', '/members', undefined],
    ['PATCH', '/members/1', { role: 'owner' }],
    ['DELETE', '/members/1', undefined],
    ['GET', '/invitations', undefined],
    ['POST', '/invitations', { email: 'invited@example.test' }],
    ['DELETE', '/invitations/1', undefined],
  ] as const

  it.each(requests)('returns 404 to other users as for a missing family: %s %s', async (method, path, json) => {
    const { otherUser, admin, url } = await createFamilyFixture()
    const responses = await Promise.all(
      [otherUser, admin].flatMap(({ token }) =>
        [url, '/api/families/2147483647', '/api/families/99999999999999999999'].map((base) =>
          api(method, `${base}${path}`, { token, json }),
        ),
      ),
    )
    const seen = responses.map(({ status, json: { error } }) => JSON.stringify([status, error.code, error.message]))
    expect(new Set(seen)).toEqual(new Set([JSON.stringify([404, 'NOT_FOUND', 'Resource not found.'])]))
  })

  it.each(requests)('returns 401 without credentials: %s %s', async (method, path, json) => {
    const { url } = await createFamilyFixture()
    expect((await api(method, `${url}${path}`, { json })).status).toBe(401)
  })

  it.each(requests)('returns 403 for an owner’s API key without the scope: %s %s', async (method, path, json) => {
    const { owner, url } = await createFamilyFixture()
    const { key } = await createApiKey(owner.user, [
      method === 'GET' ? 'families:write' : 'families:read',
      'posts:write',
    ])
    expect((await api(method, `${url}${path}`, { token: key, json })).status).toBe(403)
  })

  it.each(requests.filter(([method, path]) => method !== 'GET' || path === '/invitations'))(
    'returns 403 to a member who is not an owner: %s %s',
    async (method, path, json) => {
      const { member, owner, url } = await createFamilyFixture()
      const target = `${url}${path.replace('/members/1', `/members/${owner.user.id}`)}`
      const response = await api(method, target, { token: member.token, json })
      expect([response.status, response.json.error.code]).toEqual([403, 'FORBIDDEN'])
    },
  )

  it.each(['0', '-1', '1.5', 'x', '01', '%20'])('returns 400 for the id %s', async (id) => {
    const { token } = await signIn()
    const response = await api('GET', `/api/families/${id}`, { token })
    expect([response.status, Object.keys(response.json.error.details)]).toEqual([400, ['id']])
  })
})
