import type { Post, Visibility } from '@/lib/domains/posts/schema'
import { api } from '../../support/api'
import { createApiKey, signIn } from '../../support/factories'
import { removeMemberDirectly, createFamilyFixture, createFamily, createPost } from '../../support/families'

const whole = { title: 'New', content: 'Newer', visibility: 'public' }
const changes = [
  ['PUT', whole],
  ['PATCH', { title: 'New' }],
  ['DELETE', undefined],
] as const

describe('GET /api/posts/:id', () => {
  it.each<[Visibility, number[]]>([
    ['public', [200, 200, 200, 200, 200]],
    ['family', [404, 200, 200, 404, 200]],
    ['private', [404, 404, 200, 404, 200]],
  ])('returns a %s post only to callers who may read it', async (visibility, expected) => {
    const { owner, member, otherUser, admin, family } = await createFamilyFixture()
    const id = await createPost(member, { visibility, ...(visibility === 'family' && { familyId: family.id }) })
    const tokens = [undefined, owner.token, member.token, otherUser.token, admin.token]
    const responses = await Promise.all(tokens.map((token) => api('GET', `/api/posts/${id}`, { token })))
    expect(responses.map(({ status }) => status)).toEqual(expected)
  })

  it.each(['2147483647', '99999999999999999999'])('returns 404 for %s', async (id) => {
    expect((await api('GET', `/api/posts/${id}`)).status).toBe(404)
  })

  it.each(['0', 'x', '1e1', '-1'])('returns 400 for the id %s', async (id) => {
    const response = await api('GET', `/api/posts/${id}`)
    expect([response.status, Object.keys(response.json.error.details)]).toEqual([400, ['id']])
  })

  it('returns 403 for an API key without posts:read', async () => {
    const author = await signIn()
    const { key } = await createApiKey(author.user, ['posts:write'])
    expect((await api('GET', `/api/posts/${await createPost(author)}`, { token: key })).status).toBe(403)
  })
})

describe('PUT, PATCH and DELETE /api/posts/:id', () => {
  it.each(changes)('%s: allowed for the author and admins', async (method, json) => {
    const { member, admin } = await createFamilyFixture()
    for (const { token } of [member, admin]) {
      const id = await createPost(member)
      const response = await api<Post>(method, `/api/posts/${id}`, { token, json })
      expect(response.status).toBe(method === 'DELETE' ? 204 : 200)
      const after = await api<Post>('GET', `/api/posts/${id}`)
      if (method === 'DELETE') expect(after.status).toBe(404)
      else expect([after.json.title, after.json.author.id]).toEqual(['New', member.user.id])
    }
  })

  it.each(changes)(
    '%s: returns 403 to others who may read the post and 404 to those who may not',
    async (method, json) => {
      const { owner, member, otherUser, family } = await createFamilyFixture()
      const [shared, open, hidden] = [
        await createPost(member, { visibility: 'family', familyId: family.id }),
        await createPost(member),
        await createPost(member, { visibility: 'private' }),
      ]
      const act = async (token: string | undefined, id: number) =>
        (await api(method, `/api/posts/${id}`, { token, json })).status
      expect([await act(owner.token, shared), await act(owner.token, open), await act(owner.token, hidden)]).toEqual([
        ...[403, 403, 404],
      ])
      expect([await act(otherUser.token, shared), await act(otherUser.token, hidden)]).toEqual([404, 404])
      expect([await act(undefined, shared), await act(undefined, open)]).toEqual([401, 401])
      const { key } = await createApiKey(member.user, ['posts:read', 'families:write'])
      expect(await act(key, open)).toBe(403)
      expect((await api('GET', `/api/posts/${shared}`, { token: owner.token })).status).toBe(200)
    },
  )

  it('keeps the author when an admin changes a post, and requires the author’s membership', async () => {
    const { member, admin, family } = await createFamilyFixture()
    const elsewhere = await createFamily({ owners: [admin] })
    const id = await createPost(member)
    const move = (familyId: number) =>
      api<Post>('PATCH', `/api/posts/${id}`, { token: admin.token, json: { visibility: 'family', familyId } })
    expect((await move(elsewhere.id)).status).toBe(400)
    const moved = await move(family.id)
    expect(moved.json).toMatchObject({ familyId: family.id, author: { id: member.user.id } })
  })

  it('resets omitted fields on PUT', async () => {
    const { member, family } = await createFamilyFixture()
    const id = await createPost(member, { visibility: 'family', familyId: family.id })
    const response = await api<Post>('PUT', `/api/posts/${id}`, { token: member.token, json: whole })
    expect(response.json).toMatchObject({ ...whole, familyId: null })
  })

  it.each([{}, { title: 'x' }, { ...whole, author: 1 }, { ...whole, visibility: undefined }])(
    'returns 400 for PUT of %j',
    async (json) => {
      const author = await signIn()
      const id = await createPost(author)
      expect((await api('PUT', `/api/posts/${id}`, { token: author.token, json })).status).toBe(400)
    },
  )
})

describe('PATCH visibility and familyId', () => {
  /** Creates a family post, another family of the author and a family of other users. `patch` updates the post. */
  async function createFamilyPost() {
    const { member, otherOwner, family } = await createFamilyFixture()
    const other = await createFamily({ owners: [member] })
    const foreign = await createFamily({ owners: [otherOwner] })
    const id = await createPost(member, { visibility: 'family', familyId: family.id })
    const patch = async (json: object) => {
      const response = await api<Post>('PATCH', `/api/posts/${id}`, { token: member.token, json })
      return response.status === 200 ? [response.json.visibility, response.json.familyId] : response.status
    }
    return { member, family, other, foreign, id, patch }
  }

  it('removes the post from the family when the visibility changes', async () => {
    for (const visibility of ['public', 'private']) {
      const { patch, family } = await createFamilyPost()
      expect(await patch({ visibility })).toEqual([visibility, null])
      expect(await patch({ visibility: 'family' })).toBe(400)
      expect(await patch({ visibility: 'family', familyId: family.id })).toEqual(['family', family.id])
    }
  })

  it('moves the post only to another family of the author', async () => {
    const { patch, other, foreign } = await createFamilyPost()
    expect(await patch({ familyId: foreign.id })).toBe(400)
    expect(await patch({ familyId: other.id })).toEqual(['family', other.id])
  })

  it('returns 400 for contradictory visibility and familyId', async () => {
    const { patch, family } = await createFamilyPost()
    expect(await patch({ familyId: null })).toBe(400)
    expect(await patch({ visibility: 'public', familyId: family.id })).toBe(400)
    expect(await patch({ visibility: 'family', familyId: null })).toBe(400)
    expect(await patch({})).toBe(400)
    expect(await patch({ visibility: 'private', familyId: null })).toEqual(['private', null])
    expect(await patch({ familyId: family.id })).toBe(400)
  })

  it('keeps the post in the family after the author leaves, but rejects moving it back', async () => {
    const { patch, member, family } = await createFamilyPost()
    await removeMemberDirectly(family.id, member.user.id)
    expect(await patch({ title: 'Corrected' })).toEqual(['family', family.id])
    expect(await patch({ visibility: 'family', familyId: family.id })).toEqual(['family', family.id])
    expect(await patch({ visibility: 'public' })).toEqual(['public', null])
    expect(await patch({ visibility: 'family', familyId: family.id })).toBe(400)
  })

  it('keeps visibility and familyId consistent under concurrent updates', async () => {
    const { id, member, family, other, patch } = await createFamilyPost()
    await Promise.all(
      [
        ...[{ visibility: 'public' }, { visibility: 'family', familyId: other.id }, { visibility: 'private' }],
        ...[{ visibility: 'family', familyId: family.id }, { familyId: other.id }, { title: 'x' }],
      ].map(patch),
    )
    const { json } = await api<Post>('GET', `/api/posts/${id}`, { token: member.token })
    expect(json.visibility === 'family').toBe(json.familyId !== null)
  })
})
