import type { Membership } from '@/lib/domains/families/schema'
import { api } from '../../../../support/api'
import { createFamilyFixture, createPost } from '../../../../support/families'

type Members = { members: Membership[]; pagination: { total: number; nextCursor: string | null } }

describe('PATCH /api/families/:id/members/:userId', () => {
  it('changes the role with immediate effect', async () => {
    const { owner, member, url } = await createFamilyFixture()
    const json = { role: 'owner' }
    const response = await api<Membership>('PATCH', `${url}/members/${member.user.id}`, { token: owner.token, json })
    expect(response.status).toBe(200)
    expect(response.json).toEqual({
      user: { id: member.user.id, name: null, email: member.user.email },
      role: 'owner',
      joinedAt: expect.any(String),
    })
    expect((await api('PATCH', url, { token: member.token, json: { name: 'Ours' } })).status).toBe(200)
  })

  it('demotes an owner unless they are the last one', async () => {
    const { owner, otherOwner, url } = await createFamilyFixture()
    const json = { role: 'member' }
    const stepDown = ({ user, token }: typeof owner) => api('PATCH', `${url}/members/${user.id}`, { token, json })
    expect((await stepDown(owner)).status).toBe(200)
    const last = await stepDown(otherOwner)
    expect([last.status, last.json.error.code]).toEqual([409, 'LAST_OWNER'])
    expect((await stepDown(owner)).status).toBe(403)
  })

  it('returns 404 for a user who is not a member', async () => {
    const { owner, otherUser, url } = await createFamilyFixture()
    const json = { role: 'owner' }
    for (const id of [otherUser.user.id, 2_147_483_647, '99999999999']) {
      expect((await api('PATCH', `${url}/members/${id}`, { token: owner.token, json })).status).toBe(404)
    }
  })

  it.each([{}, { role: 'admin' }, { role: null }, { role: 'owner', userId: 1 }])('returns 400 for %j', async (json) => {
    const { owner, member, url } = await createFamilyFixture()
    expect((await api('PATCH', `${url}/members/${member.user.id}`, { token: owner.token, json })).status).toBe(400)
  })

  it('returns 403 or 404 to callers who promote themselves', async () => {
    const { member, otherUser, url } = await createFamilyFixture()
    const json = { role: 'owner' }
    const promote = ({ user, token }: typeof member) => api('PATCH', `${url}/members/${user.id}`, { token, json })
    expect((await promote(member)).status).toBe(403)
    expect((await promote(otherUser)).status).toBe(404)
  })
})

describe('DELETE /api/families/:id/members/:userId', () => {
  it('lets a member leave, who then receives 404 for the family', async () => {
    const { member, url } = await createFamilyFixture()
    const response = await api('DELETE', `${url}/members/${member.user.id}`, { token: member.token })
    expect([response.status, response.text]).toEqual([204, ''])
    expect((await api('GET', url, { token: member.token })).status).toBe(404)
    expect((await api('DELETE', `${url}/members/${member.user.id}`, { token: member.token })).status).toBe(404)
  })

  it('lets an owner remove members and other owners', async () => {
    const { owner, otherOwner, member, url } = await createFamilyFixture()
    for (const { user } of [member, otherOwner]) {
      expect((await api('DELETE', `${url}/members/${user.id}`, { token: owner.token })).status).toBe(204)
    }
    const { json } = await api<Members>('GET', `${url}/members`, { token: owner.token })
    expect(json.members.map(({ user }) => user.id)).toEqual([owner.user.id])
  })

  it('returns 409 for the last owner, also when they are the only member', async () => {
    const { owner, otherOwner, member, url } = await createFamilyFixture()
    const leave = ({ user, token }: typeof owner) => api('DELETE', `${url}/members/${user.id}`, { token })
    expect((await leave(otherOwner)).status).toBe(204)
    expect((await leave(owner)).json.error.code).toBe('LAST_OWNER')
    expect((await leave(member)).status).toBe(204)
    const alone = await leave(owner)
    expect([alone.status, alone.json.error.code]).toEqual([409, 'LAST_OWNER'])
    expect((await api('GET', url, { token: owner.token })).status).toBe(200)
  })

  it('leaves the posts of a former member to the family and the author', async () => {
    const { owner, member, otherUser, family, url } = await createFamilyFixture()
    const post = await createPost(member, { visibility: 'family', familyId: family.id })
    await api('DELETE', `${url}/members/${member.user.id}`, { token: member.token })
    const read = ({ token }: typeof owner) => api('GET', `/api/posts/${post}`, { token })
    expect((await read(owner)).status).toBe(200)
    expect((await read(member)).status).toBe(200)
    expect((await read(otherUser)).status).toBe(404)
    const json = { title: 'Corrected' }
    expect((await api('PATCH', `/api/posts/${post}`, { token: member.token, json })).status).toBe(200)
  })
})
