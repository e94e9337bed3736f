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
  ])('shows a %s post to those who may see it', async (visibility, expected) => {
    const { owner, member, otherUser, admin, family } = await createFamilyFixture()
    const id = await createPost(member, { visibility, ...(visibility === 'family' && { familyId: family.id }) })
    const tokens = [undefined, owner.token, member.token, otherUser.token, admin.token]
    const responses = await Promise.all(tokens.map((token) => api('GET', `/api/posts/${id}`, { token })))
    expect(responses.map(({ status }) => status)).toEqual(expected)
  })

  it.each(['2147483647', '99999999999999999999'])('answers 404 for %s', async (id) => {
    expect((await api('GET', `/api/posts/${id}`)).status).toBe(404)
  })

  it.each(['0', 'x', '1e1', '-1'])('refuses the id %s', async (id) => {
    const response = await api('GET', `/api/posts/${id}`)
    expect([response.status, Object.keys(response.json.error.details)]).toEqual([400, ['id']])
  })

  it('refuses an API key without posts:read', async () => {
    const author = await signIn()
    const { key } = await createApiKey(author.user, ['posts:write'])
    expect((await api('GET', `/api/posts/${await createPost(author)}`, { token: key })).status).toBe(403)
  })
})

describe('PUT, PATCH and DELETE /api/posts/:id', () => {
  it.each(changes)('%s is for the author and admins', async (method, json) => {
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
    '%s is refused to others who may see it, and hidden from those who may not',
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

  it('keeps the author when an admin changes a post, and asks for the author’s membership', async () => {
    const { member, admin, family } = await createFamilyFixture()
    const elsewhere = await createFamily({ owners: [admin] })
    const id = await createPost(member)
    const move = (familyId: number) =>
      api<Post>('PATCH', `/api/posts/${id}`, { token: admin.token, json: { visibility: 'family', familyId } })
    expect((await move(elsewhere.id)).status).toBe(400)
    const moved = await move(family.id)
    expect(moved.json).toMatchObject({ familyId: family.id, author: { id: member.user.id } })
  })

  it('takes out of PUT what is not named', async () => {
    const { member, family } = await createFamilyFixture()
    const id = await createPost(member, { visibility: 'family', familyId: family.id })
    const response = await api<Post>('PUT', `/api/posts/${id}`, { token: member.token, json: whole })
    expect(response.json).toMatchObject({ ...whole, familyId: null })
  })

  it.each([{}, { title: 'x' }, { ...whole, author: 1 }, { ...whole, visibility: undefined }])(
    'refuses PUT of %j',
    async (json) => {
      const author = await signIn()
      const id = await createPost(author)
      expect((await api('PUT', `/api/posts/${id}`, { token: author.token, json })).status).toBe(400)
    },
  )
})

describe('the place of a post under PATCH', () => {
  /** A post in a family, another family of the author and one of others, and what a change of it responses. */
  async function createPlaced() {
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

  it('leaves the family with the visibility', async () => {
    for (const visibility of ['public', 'private']) {
      const { patch, family } = await createPlaced()
      expect(await patch({ visibility })).toEqual([visibility, null])
      expect(await patch({ visibility: 'family' })).toBe(400)
      expect(await patch({ visibility: 'family', familyId: family.id })).toEqual(['family', family.id])
    }
  })

  it('moves to another family of the author alone', async () => {
    const { patch, other, foreign } = await createPlaced()
    expect(await patch({ familyId: foreign.id })).toBe(400)
    expect(await patch({ familyId: other.id })).toEqual(['family', other.id])
  })

  it('refuses what does not fit together', async () => {
    const { patch, family } = await createPlaced()
    expect(await patch({ familyId: null })).toBe(400)
    expect(await patch({ visibility: 'public', familyId: family.id })).toBe(400)
    expect(await patch({ visibility: 'family', familyId: null })).toBe(400)
    expect(await patch({})).toBe(400)
    expect(await patch({ visibility: 'private', familyId: null })).toEqual(['private', null])
    expect(await patch({ familyId: family.id })).toBe(400)
  })

  it('stays when the author has left, who may not come back with it', async () => {
    const { patch, member, family } = await createPlaced()
    await removeMemberDirectly(family.id, member.user.id)
    expect(await patch({ title: 'Corrected' })).toEqual(['family', family.id])
    expect(await patch({ visibility: 'family', familyId: family.id })).toEqual(['family', family.id])
    expect(await patch({ visibility: 'public' })).toEqual(['public', null])
    expect(await patch({ visibility: 'family', familyId: family.id })).toBe(400)
  })

  it('is a whole one, whichever of many changes at once comes last', async () => {
    const { id, member, family, other, patch } = await createPlaced()
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
