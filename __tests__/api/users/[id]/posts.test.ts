import type { Family } from '@/lib/domains/families/schema'
import { api } from '../../../support/api'
import { createApiKey, signIn } from '../../../support/factories'
import { createFamilyFixture, createPost } from '../../../support/families'

type Lists = { posts: { id: number }[]; families: Family[]; pagination: { total: number } }

describe('GET /api/users/:id/posts', () => {
  it('lists the user’s posts that the caller may read', async () => {
    const { owner, member, otherUser, admin, family } = await createFamilyFixture()
    const open = await createPost(member)
    const shared = await createPost(member, { visibility: 'family', familyId: family.id })
    const hidden = await createPost(member, { visibility: 'private' })
    await createPost(owner)
    const seen = async (token: string) => {
      const { json } = await api<Lists>('GET', `/api/users/${member.user.id}/posts`, { token })
      expect(json.pagination.total).toBe(json.posts.length)
      return json.posts.map(({ id }) => id)
    }
    expect(await seen(otherUser.token)).toEqual([open])
    expect(await seen(owner.token)).toEqual([shared, open])
    expect(await seen(member.token)).toEqual([hidden, shared, open])
    expect(await seen(admin.token)).toEqual([hidden, shared, open])
  })

  it('returns 401, 403, 404 and 400', async () => {
    const { user, token } = await signIn()
    const { key } = await createApiKey(user, ['users:read'])
    expect((await api('GET', `/api/users/${user.id}/posts`)).status).toBe(401)
    expect((await api('GET', `/api/users/${user.id}/posts`, { token: key })).status).toBe(403)
    expect((await api('GET', '/api/users/2147483647/posts', { token })).status).toBe(404)
    expect((await api('GET', `/api/users/${user.id}/posts?authorId=1`, { token })).status).toBe(400)
    expect((await api('GET', '/api/users/x/posts', { token })).status).toBe(400)
  })
})
