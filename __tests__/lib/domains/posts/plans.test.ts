import type { Actor } from '@/lib/platform/identity/actor'
import { prisma } from '@/lib/platform/db/prisma'
import { listPosts } from '@/lib/domains/posts/service'
import { listPostsQuery } from '@/lib/domains/posts/schema'
import { check } from '@/lib/validation'
import { assertNoSeqScan, load, rowsRead } from '../../../support/query-plans'

const POSTS = 120_000
const USERS = 3_000
const FAMILIES = 600

let firstUser = 0
let firstFamily = 0

const TABLES = ['posts', 'memberships']

/** Creates users in two families each; a third of the posts are public, a third for families, a third private. */
beforeAll(async () => {
  await load('users', `INSERT INTO users (email) SELECT n || '@plans.test' FROM generate_series(1, ${USERS}) n`)
  await load('families', `INSERT INTO families (name) SELECT 'F' || n FROM generate_series(1, ${FAMILIES}) n`)
  const [least] = await prisma().$queryRaw<{ user: number; family: number }[]>`
    SELECT (SELECT min(id) FROM users WHERE email LIKE '%@plans.test') AS user, (SELECT min(id) FROM families) AS family`
  firstUser = least?.user ?? 0
  firstFamily = least?.family ?? 0
  await load(
    'memberships',
    `INSERT INTO memberships (user_id, family_id, role)
     SELECT $1 + n, $2 + (n + k * 300) % ${FAMILIES}, 'member' FROM generate_series(0, ${USERS - 1}) n, generate_series(0, 1) k`,
    [firstUser, firstFamily],
  )
  await load(
    'posts',
    `INSERT INTO posts (author_id, family_id, visibility, title, content, created_at)
     SELECT $1 + n % ${USERS},
            CASE WHEN n % 3 = 1 THEN $2 + (n * 7) % ${FAMILIES} END,
            (ARRAY['public', 'family', 'private'])[n % 3 + 1]::"PostVisibility",
            'Post ' || md5(n::text), 'w' || n % 5000 || ' ' || repeat(md5((n * 2)::text) || ' ', 8),
            timestamptz '2026-01-01' + (n % 60000) * interval '1 minute'
     FROM generate_series(1, ${POSTS}) n`,
    [firstUser, firstFamily],
  )
}, 180_000)

type Who = 'anonymous' | 'user' | 'admin'

function actorFor(who: Who): Actor | undefined {
  if (who === 'anonymous') return undefined
  return { credential: 'session', sessionId: '', userId: firstUser + 7, role: who }
}

async function list(who: Who, query: Record<string, string>) {
  const { value, details } = check(listPostsQuery, query, 'query')
  if (details !== undefined) throw new Error(JSON.stringify(details))
  return listPosts(actorFor(who), value)
}

async function cursorAfter(who: Who, query: Record<string, string>, pages: number): Promise<string> {
  let cursor = ''
  for (let page = 0; page < pages; page += 1) {
    const part = await list(who, { ...query, cursor, limit: '5' })
    if (!('nextCursor' in part) || part.nextCursor === null) throw new Error('The list is too short.')
    cursor = part.nextCursor
  }
  return cursor
}

const callers: Who[] = ['anonymous', 'user', 'admin']
const filters = {
  nothing: () => ({}),
  'another author': () => ({ authorId: String(firstUser + 9) }),
  oneself: () => ({ authorId: String(firstUser + 7) }),
  'a family': () => ({ familyId: String(firstFamily + 7) }),
  words: () => ({ q: 'w77 post' }),
  'words of an author': () => ({ q: 'w77', authorId: String(firstUser + 2077) }),
}
const cases = callers.flatMap((who) =>
  Object.entries(filters).map(([title, filter]): [string, Who, () => Record<string, string>] => [title, who, filter]),
)

describe('the list of posts', () => {
  it.each(cases)('filtered by %s uses indexes by page and by cursor for %s', async (title, who, filter) => {
    const counts = title !== 'nothing'
    for (const part of [{ page: '1' }, { page: '3' }, { cursor: '' }])
      await assertNoSeqScan(TABLES, () => list(who, { ...filter(), ...part }), { counts })
  })

  it.each(callers)('reads no more rows far from its start for %s', async (who) => {
    const cost = async (cursor: string) => {
      const [keys] = await assertNoSeqScan(TABLES, () => list(who, { cursor, limit: '5' }))
      if (keys === undefined) throw new Error('No plan')
      return rowsRead(keys)
    }
    const [start, far] = [await cost(''), await cost(await cursorAfter(who, {}, 60))]
    expect(start).toBeLessThan(1_000)
    expect(far).toBeLessThanOrEqual(start + 5)
  })
})
