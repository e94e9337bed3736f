import type { Family } from '@/lib/domains/families/schema'
import { api } from '../../../support/api'
import { createApiKey } from '../../../support/factories'
import { createFamilyFixture } from '../../../support/families'

type Lists = { posts: { id: number }[]; families: Family[]; pagination: { total: number } }

describe('GET /api/users/:id/families', () => {
  it('lists the families to the user and to admins', async () => {
    const { member, admin, family } = await createFamilyFixture()
    for (const { token } of [member, admin]) {
      const { status, json } = await api<Lists>('GET', `/api/users/${member.user.id}/families`, { token })
      expect([status, json.families.map(({ id }) => id)]).toEqual([200, [family.id]])
    }
  })

  it('returns 403 to other callers, whether or not the user exists', async () => {
    const { owner, member } = await createFamilyFixture()
    const { key } = await createApiKey(member.user, ['users:read'])
    const ask = async (id: number, token?: string) => (await api('GET', `/api/users/${id}/families`, { token })).status
    expect(await ask(member.user.id, owner.token)).toBe(403)
    expect(await ask(2_147_483_647, owner.token)).toBe(403)
    expect(await ask(member.user.id)).toBe(401)
    expect(await ask(member.user.id, key)).toBe(403)
  })
})
