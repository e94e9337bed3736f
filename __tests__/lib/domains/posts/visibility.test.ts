import fc from 'fast-check'
import type { Post, Visibility } from '@/lib/domains/posts/schema'
import { prisma } from '@/lib/platform/db/prisma'
import { api } from '../../../support/api'
import { signIn } from '../../../support/factories'
import type { Caller } from '../../../support/families'

type Posts = { posts: Post[]; pagination: { total: number; pages: number; nextCursor: string | null } }
type ModelPost = {
  id: number
  author: number
  family: number | undefined
  visibility: Visibility
  minute: number
  words: string[]
}
type World = { callers: Caller[]; members: Set<string>; posts: ModelPost[]; families: number[] }

const WORDS = ['engine', 'number', 'loom']
const USERS = 4
const FAMILIES = 3

const worlds = fc.record({
  memberships: fc.uniqueArray(fc.record({ family: fc.nat(FAMILIES - 1), user: fc.nat(USERS - 1) }), {
    selector: ({ family, user }) => `${family}/${user}`,
    maxLength: 8,
  }),
  // Authors may have left the family.
  posts: fc.array(
    fc.record({
      author: fc.nat(USERS - 1),
      family: fc.nat(FAMILIES - 1),
      visibility: fc.constantFrom<Visibility>('public', 'family', 'private'),
      minute: fc.nat(3),
      words: fc.subarray(WORDS, { minLength: 1 }),
    }),
    { maxLength: 25 },
  ),
  limit: fc.integer({ min: 1, max: 7 }),
})

type Seed = typeof worlds extends fc.Arbitrary<infer T> ? T : never

/** Creates users once, and families and posts for each world. The last caller is an admin without families. */
async function build(seed: Seed, callers: Caller[]): Promise<World> {
  await prisma().post.deleteMany()
  await prisma().family.deleteMany()
  const keeper = callers.at(-2)
  const families: number[] = []
  for (let index = 0; index < FAMILIES; index += 1) {
    const own = seed.memberships.filter(({ family }) => family === index)
    const users = own.flatMap(({ user }) => callers[user]?.user.id ?? [])
    const memberships = [
      { userId: keeper?.user.id ?? 0, role: 'owner' as const },
      ...users.map((userId) => ({ userId, role: 'member' as const })),
    ]
    const data = { name: `Family ${index}`, memberships: { create: memberships } }
    families.push((await prisma().family.create({ data, select: { id: true } })).id)
  }
  const posts: ModelPost[] = []
  for (const { author, family, visibility, minute, words } of seed.posts) {
    const familyId = visibility === 'family' ? (families[family] ?? 0) : null
    const data = {
      authorId: callers[author]?.user.id ?? 0,
      familyId,
      visibility,
      title: words[0] ?? '',
      content: words.slice(1).join(' ') || 'nothing',
      createdAt: new Date(Date.UTC(2026, 0, 1, 0, minute)),
    }
    const { id } = await prisma().post.create({ data, select: { id: true } })
    posts.push({ id, author: data.authorId, family: familyId ?? undefined, visibility, minute, words })
  }
  const members = seed.memberships.map(({ family, user }) => `${families[family]}/${callers[user]?.user.id}`)
  const kept = families.map((family) => `${family}/${keeper?.user.id}`)
  return { callers, members: new Set([...members, ...kept]), posts, families }
}

/** Reference implementation of the visibility rule. */
function maySee(world: World, caller: Caller | undefined, post: ModelPost): boolean {
  if (post.visibility === 'public') return true
  if (caller === undefined) return false
  if (caller.user.role === 'admin' || post.author === caller.user.id) return true
  return post.visibility === 'family' && world.members.has(`${post.family}/${caller.user.id}`)
}

function expected(world: World, caller: Caller | undefined, filter: (post: ModelPost) => boolean): number[] {
  return world.posts
    .filter((post) => maySee(world, caller, post) && filter(post))
    .sort((a, b) => b.minute - a.minute || b.id - a.id)
    .map(({ id }) => id)
}

async function readByPage(url: string, token: string | undefined, limit: number) {
  const ids: number[] = []
  const totals = new Set<number>()
  for (let page = 1, pages = 1; page <= pages; page += 1) {
    const { json } = await api<Posts>('GET', `${url}page=${page}&limit=${limit}`, { token })
    ids.push(...json.posts.map(({ id }) => id))
    totals.add(json.pagination.total)
    pages = json.pagination.pages
  }
  return { ids, totals: [...totals] }
}

async function readByCursor(url: string, token: string | undefined, limit: number) {
  const ids: number[] = []
  for (let cursor: string | null = ''; cursor !== null;) {
    const { json }: { json: Posts } = await api<Posts>('GET', `${url}cursor=${cursor}&limit=${limit}`, { token })
    ids.push(...json.posts.map(({ id }) => id))
    cursor = json.pagination.nextCursor
  }
  return ids
}

describe('visibility of posts', () => {
  it('matches the reference implementation in lists, pages, counts and single reads', async () => {
    const callers: Caller[] = []
    for (let index = 0; index < USERS; index += 1) callers.push(await signIn())
    callers.push(await signIn(), await signIn({ role: 'admin' }))
    const property = fc.asyncProperty(worlds, fc.nat(), async (seed, pick) => {
      const world = await build(seed, callers)
      for (const caller of [undefined, ...callers]) {
        const token = caller?.token
        const author = callers[pick % callers.length]?.user.id ?? 0
        const family = world.families[pick % FAMILIES] ?? 0
        const word = WORDS[pick % WORDS.length] ?? ''
        const lists: [string, (post: ModelPost) => boolean][] = [
          ['/api/posts?', () => true],
          [`/api/posts?authorId=${author}&`, (post) => post.author === author],
          [`/api/posts?familyId=${family}&`, (post) => post.family === family],
          [`/api/posts?q=${word}&`, (post) => post.words.includes(word)],
          [
            `/api/posts?q=${word}&authorId=${author}&familyId=${family}&`,
            (post) => post.words.includes(word) && post.author === author && post.family === family,
          ],
        ]
        if (caller !== undefined) {
          const { id } = caller.user
          lists.push([`/api/posts?authorId=${id}&`, (post) => post.author === id])
          lists.push([`/api/users/${author}/posts?`, (post) => post.author === author])
        }
        for (const [url, filter] of lists) {
          const ids = expected(world, caller, filter)
          expect(await readByPage(url, token, seed.limit)).toEqual({ ids, totals: [ids.length] })
          expect(await readByCursor(url, token, seed.limit)).toEqual(ids)
        }
        for (const post of world.posts.slice(0, 5)) {
          const { status } = await api('GET', `/api/posts/${post.id}`, { token })
          expect(status).toBe(maySee(world, caller, post) ? 200 : 404)
        }
      }
    })
    await fc.assert(property, { numRuns: 6, endOnFailure: true })
  }, 120_000)
})
