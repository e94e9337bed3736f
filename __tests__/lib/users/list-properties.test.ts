import fc from 'fast-check'
import type { SortKey } from '@/lib/lists'
import { databasePool, prisma } from '@/lib/prisma'
import { listUsers } from '@/lib/users/repository'
import type { ListUsersQuery, User } from '@/lib/users/schema'

type Field = 'name' | 'email' | 'createdAt'
type Row = Pick<User, 'name' | 'email' | 'role' | 'createdAt'>

// Few letters, so that names tie; capitals, accents, what UTF-16 orders otherwise than code points, and LIKE's own signs.
const letters = fc.constantFrom('a', 'A', 'b', 'é', 'É', '\uFB01', '😀', '%', '_', '\\', ' ')
const word = fc.string({ unit: letters, minLength: 1, maxLength: 3 })
const time = fc.integer({ min: 0, max: 5 }).map((ms) => new Date(1_700_000_000_000 + ms))
const role = fc.constantFrom('user' as const, 'admin' as const)
const person = fc.record({ name: fc.option(word), role, createdAt: time, mark: fc.constantFrom('x', 'y', 'zx') })
const people = fc.array(person, { maxLength: 25 })
const fields = fc.shuffledSubarray<Field>(['name', 'email', 'createdAt'], { minLength: 0 })
const sort = fields.chain((chosen) =>
  fc.tuple(
    ...chosen.map((field) => fc.record({ field: fc.constant(field), direction: fc.constantFrom('asc', 'desc') })),
  ),
)
const filter = fc.record({ q: fc.option(word, { nil: undefined }), role: fc.option(role, { nil: undefined }) })
const limit = fc.integer({ min: 1, max: 7 })

type Filter = { q?: string | undefined; role?: 'user' | 'admin' | undefined }

async function fill(rows: (Omit<Row, 'email'> & { mark: string })[]): Promise<User[]> {
  await databasePool().query('TRUNCATE users RESTART IDENTITY CASCADE')
  const data = rows.map(({ mark, ...row }, index) => ({ ...row, email: `${mark}${(index * 7) % 11}-${index}@b.test` }))
  return prisma().user.createManyAndReturn({ data })
}

/** By code point, nulls last. */
function compare(a: string | number | Date | null, b: string | number | Date | null): number {
  if (a === null || b === null) return Number(a === null) - Number(b === null)
  if (typeof a === 'string') return Buffer.compare(Buffer.from(a), Buffer.from(String(b)))
  return Number(a) - Number(b)
}

function inOrder(keys: readonly SortKey<Field>[]): (a: User, b: User) => number {
  const last = keys.at(-1)?.direction ?? 'asc'
  return (a, b) => {
    for (const { field, direction } of [...keys, { field: 'id' as const, direction: last }]) {
      const order = compare(a[field], b[field])
      if (order !== 0) return direction === 'asc' ? order : -order
    }
    return 0
  }
}

function naively(users: readonly User[], { q, role: wanted }: Filter, keys: readonly SortKey<Field>[]): User[] {
  const has = (value: string | null) => q === undefined || value?.toLowerCase().includes(q.toLowerCase())
  return users
    .filter((user) => (wanted === undefined || user.role === wanted) && (has(user.name) || has(user.email)))
    .sort(inOrder(keys))
}

function toQuery(given: Filter, keys: SortKey<Field>[], rows: number): ListUsersQuery {
  const { q, role: wanted } = given
  return { ...(q !== undefined && { q }), ...(wanted && { role: wanted }), sort: keys, limit: rows }
}

const ids = (users: readonly { id: number }[]) => users.map((user) => user.id)

/** All parts of a list by cursor; `between` runs before each but the first. */
async function walk(query: ListUsersQuery, between: () => Promise<void> = async () => {}): Promise<User[]> {
  const found: User[] = []
  for (let cursor: string | null = ''; cursor !== null;) {
    const part = await listUsers({ ...query, cursor })
    if (!('nextCursor' in part)) throw new Error('A list by cursor has a next cursor.')
    expect(part.items.length).toBeLessThanOrEqual(query.limit)
    found.push(...part.items)
    cursor = part.nextCursor
    if (cursor !== null) await between()
  }
  return found
}

describe('the list of users, for any data', () => {
  it('gives, page after page and cursor after cursor, what plain code filters and sorts', async () => {
    await fc.assert(
      fc.asyncProperty(people, filter, sort, limit, async (rows, given, keys: SortKey<Field>[], size) => {
        const users = await fill(rows)
        const query = toQuery(given, keys, size)
        const expected = naively(users, given, keys)
        expect(ids(await walk(query))).toEqual(ids(expected))
        const pages: User[] = []
        for (let page = 1; page <= Math.ceil(expected.length / size) + 1; page++) {
          const part = await listUsers({ ...query, page })
          expect(part).toHaveProperty('total', expected.length)
          pages.push(...part.items)
        }
        expect(ids(pages)).toEqual(ids(expected))
      }),
      { numRuns: 100 },
    )
  }, 120_000)

  it('neither skips nor repeats what was there throughout, whatever comes and goes between the parts', async () => {
    const change = fc.record({
      remove: fc.array(fc.nat(30), { maxLength: 3 }),
      add: fc.array(person, { maxLength: 3 }),
    })
    await fc.assert(
      fc.asyncProperty(people, sort, limit, fc.array(change), async (rows, keys: SortKey<Field>[], size, changes) => {
        const users = await fill(rows)
        const removed = new Set<number>()
        let step = 0
        const between = async () => {
          const { remove = [], add = [] } = changes[step++] ?? {}
          for (const index of remove) removed.add(users[index]?.id ?? 0)
          await prisma().user.deleteMany({ where: { id: { in: [...removed] } } })
          const data = add.map(({ mark, ...row }, index) => ({ ...row, email: `${mark}-new-${step}-${index}@b.test` }))
          await prisma().user.createMany({ data })
        }
        const found = await walk(toQuery({}, keys, size), between)
        expect(new Set(ids(found)).size).toBe(found.length)
        const stayed = users.filter((user) => !removed.has(user.id))
        const isStayed = new Set(ids(stayed))
        expect(ids(found.filter((user) => isStayed.has(user.id)))).toEqual(ids(stayed.sort(inOrder(keys))))
      }),
      { numRuns: 60 },
    )
  }, 120_000)
})
