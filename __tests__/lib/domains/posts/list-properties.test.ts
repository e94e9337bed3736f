import fc from 'fast-check'
import type { Actor } from '@/lib/platform/identity/actor'
import { listPosts, listPostsOf } from '@/lib/domains/posts/service'
import type { Visibility } from '@/lib/domains/posts/schema'
import { prisma } from '@/lib/platform/db/prisma'
import { createUser } from '../../../support/factories'
import { inOrder, listProperties } from '../../../support/list-properties'

const WORDS = ['engine', 'Engines', 'Loom', 'über', 'Straße']
const USERS = 5
const FAMILIES = ['the first', 'the second'] as const

/**
 * Memberships: user 0 is in both families, 1 in the first, 2 in the second, 3 and 4 in none; 4 is an admin. Family posts
 * may have any author, since authors may have left the family.
 */
const MEMBERS = [
  [0, 1],
  [0, 2],
] as const

let users: number[] = []
let families: number[] = []

beforeAll(async () => {
  users = []
  families = []
  for (let index = 0; index < USERS; index += 1) users.push((await createUser()).id)
  for (const [index, name] of FAMILIES.entries()) {
    const create = (MEMBERS[index] ?? []).map((user) => ({ userId: users[user] ?? 0, role: 'owner' as const }))
    families.push((await prisma().family.create({ data: { name, memberships: { create } } })).id)
  }
})

const actorOf = (index: number | undefined): Actor | undefined =>
  index === undefined
    ? undefined
    : { credential: 'session', sessionId: '', userId: users[index] ?? 0, role: index === 4 ? 'admin' : 'user' }

const user = fc.nat(USERS - 1)
const family = fc.nat(FAMILIES.length - 1)
const words = fc.subarray(WORDS, { minLength: 1 })
const minute = fc.nat(3)
const visibility = fc.constantFrom<Visibility>('public', 'family', 'private')

type Row = {
  id: number
  createdAt: Date
  author: number
  family: number | undefined
  visibility: Visibility
  words: string[]
}

const seed = fc.record({ author: user, family, visibility, words, minute })

async function add(seeds: readonly (typeof seed extends fc.Arbitrary<infer T> ? T : never)[]): Promise<Row[]> {
  const data = seeds.map((row) => ({
    authorId: users[row.author] ?? 0,
    familyId: row.visibility === 'family' ? (families[row.family] ?? 0) : null,
    visibility: row.visibility,
    title: row.words[0] ?? '',
    content: row.words.slice(1).join(', ') || 'nothing',
    createdAt: new Date(Date.UTC(2026, 0, 1, 0, row.minute)),
  }))
  const made = await prisma().post.createManyAndReturn({ data, select: { id: true, createdAt: true } })
  return seeds.map((row, index) => ({
    ...row,
    ...{ id: made[index]?.id ?? 0, createdAt: made[index]?.createdAt ?? new Date(0) },
    family: row.visibility === 'family' ? row.family : undefined,
  }))
}

/** Reference implementation of the visibility rule. */
function maySee(caller: number | undefined, post: Row): boolean {
  if (post.visibility === 'public') return true
  if (caller === undefined) return false
  if (caller === 4 || caller === post.author) return true
  return post.family !== undefined && (MEMBERS[post.family] ?? []).some((member) => member === caller)
}

const model = {
  seed,
  add,
  clear: () => prisma().post.deleteMany(),
  remove: (rows: readonly Row[]) => prisma().post.deleteMany({ where: { id: { in: rows.map(({ id }) => id) } } }),
  fields: [],
  order: inOrder([{ field: 'createdAt', direction: 'desc' }]),
}

const seldom = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined, freq: 2 })
const optionalCaller = fc.option(user, { nil: undefined, freq: 5 })

const posts = listProperties(
  {
    ...model,
    query: fc.record({
      caller: optionalCaller,
      author: seldom(user),
      family: seldom(family),
      q: seldom(fc.subarray(WORDS, { minLength: 1, maxLength: 2 })),
    }),
    isListed: (post, { caller, author, family: wanted, q = [] }) =>
      maySee(caller, post) &&
      (author === undefined || post.author === author) &&
      (wanted === undefined || post.family === wanted) &&
      q.every((word) => post.words.some((one) => one.toLowerCase() === word.toLowerCase())),
    read: ({ caller, author, family: wanted, q }, request) =>
      listPosts(actorOf(caller), {
        ...(author !== undefined && { authorId: users[author] ?? 0 }),
        ...(wanted !== undefined && { familyId: families[wanted] ?? 0 }),
        ...(q !== undefined && { q: q.join(' ') }),
        ...request,
      }),
  },
  { numRuns: 120 },
)

const postsOfAUser = listProperties(
  {
    ...model,
    query: fc.record({ caller: user, author: user }),
    isListed: (post, { caller, author }) => post.author === author && maySee(caller, post),
    read: ({ caller, author }, request) => {
      const actor = actorOf(caller)
      if (actor === undefined) throw new Error('This list is for users.')
      return listPostsOf(actor, users[author] ?? 0, request)
    },
  },
  { numRuns: 40 },
)

const lists = { posts, 'posts of a user': postsOfAUser }

describe.each(Object.entries(lists))(
  '%s, for any data',
  (_name, { matchReferenceImplementation, areStableUnderConcurrentWrites }) => {
    it('match the reference implementation by page and by cursor', matchReferenceImplementation, 120_000)

    it('are listed exactly once under concurrent writes', areStableUnderConcurrentWrites, 120_000)
  },
)
