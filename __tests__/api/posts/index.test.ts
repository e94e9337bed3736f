import type { Post } from '@/lib/domains/posts/schema'
import { prisma } from '@/lib/platform/db/prisma'
import { api } from '../../support/api'
import { createApiKey, signIn } from '../../support/factories'
import { withNames } from '../../support/each-rows'
import { removeMemberDirectly, createFamilyFixture, createPost } from '../../support/families'

type Posts = { posts: Post[]; pagination: { total: number; nextCursor: string | null } }

const ids = ({ json }: { json: Posts }) => json.posts.map(({ id }) => id)

describe('GET /api/posts', () => {
  it('lists public posts, newest first, with the author but without the e-mail address', async () => {
    const { user } = await signIn()
    const older = await createPost({ user }, { createdAt: new Date('2026-01-01') })
    const newer = await createPost({ user }, { createdAt: new Date('2026-01-02') })
    await createPost({ user }, { visibility: 'private' })
    const response = await api<Posts>('GET', `/api/posts?authorId=${user.id}`)
    expect(ids(response)).toEqual([newer, older])
    expect(response.json.posts[0]?.author).toEqual({ id: user.id, name: user.name })
    expect(response.text).not.toContain(user.email)
  })

  it('has a stable order for posts with equal timestamps, by page and by cursor', async () => {
    const author = await signIn()
    const createdAt = new Date('2026-02-02')
    const made = []
    for (let index = 0; index < 5; index += 1) made.push(await createPost(author, { createdAt }))
    const url = `/api/posts?authorId=${author.user.id}&limit=2`
    const pages = [1, 2, 3].map((page) => api<Posts>('GET', `${url}&page=${page}`))
    expect((await Promise.all(pages)).flatMap(ids)).toEqual(made.toReversed())
    const walked = []
    for (let cursor: string | null = ''; cursor !== null;) {
      const part: { json: Posts } = await api<Posts>('GET', `${url}&cursor=${cursor}`)
      walked.push(...ids(part))
      cursor = part.json.pagination.nextCursor
    }
    expect(walked).toEqual(made.toReversed())
  })

  it('finds words in title and content, in any case and order', async () => {
    const author = await signIn()
    const word = `w${author.user.id}x`
    const post = await createPost(author, { title: `Engines, ${word}`, content: 'Über difference' })
    await createPost(author, { title: word, content: 'something else' })
    for (const q of [`${word} engines`, `DIFFERENCE ${word.toUpperCase()}`, `über ${word}`]) {
      expect(ids(await api<Posts>('GET', `/api/posts?q=${encodeURIComponent(q)}`))).toEqual([post])
    }
    for (const q of ['!!!', "'", `${word} & | nothing`, `${word}:*`, '%', '\\', '<->', '(']) {
      expect((await api('GET', `/api/posts?q=${encodeURIComponent(q)}`)).status).toBe(200)
    }
  })

  it('does not find posts that the caller may not read', async () => {
    const { owner, otherUser, family } = await createFamilyFixture()
    const word = `secret${family.id}`
    const post = await createPost(owner, { visibility: 'family', familyId: family.id, content: word })
    expect(ids(await api<Posts>('GET', `/api/posts?q=${word}`, { token: owner.token }))).toEqual([post])
    const hidden = await api<Posts>('GET', `/api/posts?q=${word}`, { token: otherUser.token })
    expect([ids(hidden), hidden.json.pagination.total]).toEqual([[], 0])
  })

  it('lists posts to members of the family, and to the author after leaving', async () => {
    const { owner, member, otherUser, admin, family } = await createFamilyFixture()
    const post = await createPost(member, { visibility: 'family', familyId: family.id })
    await removeMemberDirectly(family.id, member.user.id)
    const url = `/api/posts?familyId=${family.id}`
    for (const { token } of [owner, member, admin]) expect(ids(await api<Posts>('GET', url, { token }))).toEqual([post])
    expect(ids(await api<Posts>('GET', url, { token: otherUser.token }))).toEqual([])
    expect(ids(await api<Posts>('GET', url))).toEqual([])
    const later = await createPost(owner, { visibility: 'family', familyId: family.id })
    expect(ids(await api<Posts>('GET', url, { token: owner.token }))).toEqual([later, post])
    expect(ids(await api<Posts>('GET', url, { token: member.token }))).toEqual([post])
  })

  it.each([
    'page=0',
    'limit=101',
    'authorId=x',
    'familyId=0',
    'q=',
    'sort=title',
    'visibility=private',
    'cursor=forged',
  ])('returns 400 for ?%s', async (query) => {
    const response = await api('GET', `/api/posts?${query}`)
    expect([response.status, response.json.error.code]).toEqual([400, 'VALIDATION_ERROR'])
  })

  it('returns 401 for invalid credentials', async () => {
    expect((await api('GET', '/api/posts', { token: 'nonsense' })).status).toBe(401)
  })

  it('returns 403 for an API key without posts:read', async () => {
    const { user } = await signIn()
    const { key } = await createApiKey(user, ['posts:write', 'families:read'])
    expect((await api('GET', '/api/posts', { token: key })).status).toBe(403)
    const own = await createPost({ user }, { visibility: 'private' })
    const good = await createApiKey(user, ['posts:read'])
    const response = await api<Posts>('GET', `/api/posts?authorId=${user.id}`, { token: good.key })
    expect(ids(response)).toEqual([own])
  })
})

describe('POST /api/posts', () => {
  const content = { title: 'Notes', content: 'On the engine' }

  it('creates a private post by default', async () => {
    const { user, token } = await signIn()
    const made = await api<Post>('POST', '/api/posts', { token, json: content })
    expect(made.status).toBe(201)
    expect(made.json).toMatchObject({ ...content, visibility: 'private', familyId: null })
    expect(made.json.author).toEqual({ id: user.id, name: user.name })
    expect(made.headers.get('location')).toBe(`/api/posts/${made.json.id}`)
    expect((await api('GET', `/api/posts/${made.json.id}`)).status).toBe(404)
  })

  it('creates a post in a family of the author', async () => {
    const { member, owner, family } = await createFamilyFixture()
    const json = { ...content, visibility: 'family', familyId: family.id }
    const made = await api<Post>('POST', '/api/posts', { token: member.token, json })
    expect(made.json).toMatchObject({ visibility: 'family', familyId: family.id })
    expect((await api('GET', `/api/posts/${made.json.id}`, { token: owner.token })).status).toBe(200)
  })

  it('returns the same error for a family of other users and a missing family, also to an admin', async () => {
    const { otherUser, admin, family } = await createFamilyFixture()
    for (const { token } of [otherUser, admin]) {
      const responses = await Promise.all(
        [family.id, 2_147_483_647].map((familyId) =>
          api('POST', '/api/posts', { token, json: { ...content, visibility: 'family', familyId } }),
        ),
      )
      expect(responses.map(({ status }) => status)).toEqual([400, 400])
      expect(responses[0]?.json.error.details).toEqual(responses[1]?.json.error.details)
      expect(Object.keys(responses[0]?.json.error.details ?? {})).toEqual(['familyId'])
    }
  })

  it('leaves no post when the family or the account is deleted concurrently', async () => {
    for (let round = 0; round < 10; round += 1) {
      const author = await signIn()
      const { json: family } = await api('POST', '/api/families', { token: author.token, json: { name: 'Alone' } })
      const json = { ...content, visibility: 'family', familyId: family.id }
      const target = round % 2 === 0 ? `/api/families/${family.id}` : `/api/users/${author.user.id}`
      const [made, deleted] = await Promise.all([
        api('POST', '/api/posts', { token: author.token, json }),
        api('DELETE', target, { token: author.token }),
      ])
      expect(deleted.status).toBe(204)
      expect([201, 400, 401, 404]).toContain(made.status)
      expect(await prisma().post.count({ where: { familyId: family.id } })).toBe(0)
    }
  })

  it.each(
    withNames([
      [{}, ['content', 'title']],
      [{ ...content, title: '' }, ['title']],
      [{ ...content, title: '   ' }, ['title']],
      [{ ...content, title: 'x'.repeat(201) }, ['title']],
      [{ ...content, content: '' }, ['content']],
      [{ ...content, content: 'x'.repeat(50_001) }, ['content']],
      [{ ...content, content: 'a\0b' }, ['content']],
      [{ ...content, visibility: 'secret' }, ['visibility']],
      [{ ...content, visibility: 'family' }, ['familyId']],
      [{ ...content, visibility: 'family', familyId: null }, ['familyId']],
      [{ ...content, visibility: 'public', familyId: 1 }, ['familyId']],
      [{ ...content, familyId: 1 }, ['familyId']],
      [{ ...content, visibility: 'family', familyId: '1' }, ['familyId']],
      [{ ...content, visibility: 'family', familyId: 0 }, ['familyId']],
      [{ ...content, authorId: 1, id: 5 }, ['authorId', 'id']],
    ]),
  )('returns 400 for %s', async (_name, json, fields) => {
    const { token } = await signIn()
    const response = await api('POST', '/api/posts', { token, json })
    expect([response.status, Object.keys(response.json.error.details).sort()]).toEqual([400, fields])
  })

  it('accepts title and content of maximum length', async () => {
    const { token } = await signIn()
    const json = { title: 'ü'.repeat(200), content: '語'.repeat(50_000) }
    expect((await api('POST', '/api/posts', { token, json })).status).toBe(201)
  })

  it('returns 401 without credentials and 403 for an API key without posts:write', async () => {
    expect((await api('POST', '/api/posts', { json: content })).status).toBe(401)
    const { key } = await createApiKey((await signIn()).user, ['posts:read'])
    expect((await api('POST', '/api/posts', { token: key, json: content })).status).toBe(403)
  })
})
