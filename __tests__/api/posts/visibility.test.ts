import type { FamilyWithMembers } from '@/lib/domains/families/schema'
import type { Post } from '@/lib/domains/posts/schema'
import { prisma } from '@/lib/platform/db/prisma'
import { api } from '../../support/api'
import { removeMemberDirectly, createFamilyFixture, createPost } from '../../support/families'

/** Returns the statuses of conditional requests with the tag, the weak tag and *. */
async function askAgain(url: string, token: string | undefined, tag: string): Promise<number[]> {
  const ask = async (header: string) => (await api('GET', url, { token, headers: { 'If-None-Match': header } })).status
  return [await ask(tag), await ask(`W/${tag}`), await ask('*')]
}

async function tagOf(url: string, token: string | undefined): Promise<string> {
  return (await api('GET', url, { token })).headers.get('etag') ?? ''
}

describe('revoked visibility', () => {
  it('returns 404 instead of 304 for a post that became private', async () => {
    const { member, otherUser, admin } = await createFamilyFixture()
    const url = `/api/posts/${await createPost(member)}`
    const readers = [otherUser.token, undefined]
    const tags = await Promise.all(readers.map((token) => tagOf(url, token)))
    await prisma().$executeRaw`UPDATE posts SET visibility = 'private' WHERE author_id = ${member.user.id}`
    for (const [index, token] of readers.entries())
      expect(await askAgain(url, token, tags[index] ?? '')).toEqual([404, 404, 404])
    const own = await tagOf(url, member.token)
    expect(await askAgain(url, member.token, own)).toEqual([304, 304, 304])
    expect(await askAgain(url, admin.token, own)).toEqual([304, 304, 304])
  })

  it('returns 404 for the family, its posts and its members to a removed member', async () => {
    const { owner, member, family, url } = await createFamilyFixture()
    const post = `/api/posts/${await createPost(owner, { visibility: 'family', familyId: family.id })}`
    const lists = [`/api/posts?familyId=${family.id}`, '/api/families']
    const things = [post, url, `${url}/members`]
    const tags = new Map<string, string>()
    for (const target of [...things, ...lists]) tags.set(target, await tagOf(target, member.token))
    await removeMemberDirectly(family.id, member.user.id)
    for (const target of things) {
      expect([target, ...(await askAgain(target, member.token, tags.get(target) ?? ''))]).toEqual([
        target,
        404,
        404,
        404,
      ])
    }
    for (const target of lists) {
      const headers = { 'If-None-Match': tags.get(target) ?? '' }
      const response = await api<Record<string, unknown>>('GET', target, { token: member.token, headers })
      expect([response.status, response.json[target.startsWith('/api/posts') ? 'posts' : 'families']]).toEqual([
        200,
        [],
      ])
    }
  })

  it('returns 404 for changes and deletions with a former tag', async () => {
    const { member, otherUser, owner, family, url } = await createFamilyFixture()
    const post = `/api/posts/${await createPost(owner, { visibility: 'family', familyId: family.id })}`
    const [postTag, familyTag] = [await tagOf(post, member.token), await tagOf(url, owner.token)]
    await removeMemberDirectly(family.id, member.user.id)
    for (const [target, tag] of [
      [post, postTag],
      [url, familyTag],
    ] as const) {
      for (const method of ['PATCH', 'DELETE']) {
        const json = method === 'DELETE' ? undefined : target === url ? { name: 'x' } : { title: 'x' }
        for (const { token } of [member, otherUser]) {
          expect((await api(method, target, { token, json, headers: { 'If-Match': tag } })).status).toBe(404)
        }
      }
    }
  })

  it('does not replay a stored response that contains it', async () => {
    const { member, family, url, owner } = await createFamilyFixture()
    const headers = { 'Idempotency-Key': 'mine' }
    const json = { title: 'A', content: 'B', visibility: 'family', familyId: family.id }
    const made = await api<Post>('POST', '/api/posts', { token: member.token, json, headers })
    const again = await api<Post>('POST', '/api/posts', { token: owner.token, json, headers })
    expect(again.json.id).not.toBe(made.json.id)
    expect(again.json.author.id).toBe(owner.user.id)
    const shown = await api<FamilyWithMembers>('GET', url, { token: owner.token })
    expect(shown.status).toBe(200)
  })
})
