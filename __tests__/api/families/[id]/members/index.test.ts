import type { Membership } from '@/lib/domains/families/schema'
import { api } from '../../../../support/api'
import { createFamilyFixture } from '../../../../support/families'

type Members = { members: Membership[]; pagination: { total: number; nextCursor: string | null } }

describe('GET /api/families/:id/members', () => {
  it('lists members to a member, by page and by cursor', async () => {
    const { owner, otherOwner, member, url } = await createFamilyFixture()
    const allIds = [owner, otherOwner, member].map(({ user }) => user.id)
    const whole = await api<Members>('GET', `${url}/members`, { token: member.token })
    expect(whole.json.members.map(({ user }) => user.id)).toEqual(allIds)
    expect(whole.json.pagination.total).toBe(3)
    const first = await api<Members>('GET', `${url}/members?cursor=&limit=2`, { token: member.token })
    const rest = await api<Members>('GET', `${url}/members?cursor=${first.json.pagination.nextCursor}&limit=2`, {
      token: member.token,
    })
    expect([...first.json.members, ...rest.json.members].map(({ user }) => user.id)).toEqual(allIds)
  })

  it.each(['page=1&cursor=', 'role=owner', 'limit=101'])('returns 400 for ?%s', async (query) => {
    const { owner, url } = await createFamilyFixture()
    expect((await api('GET', `${url}/members?${query}`, { token: owner.token })).status).toBe(400)
  })
})
