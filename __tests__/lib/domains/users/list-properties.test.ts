import fc from 'fast-check'
import { prisma } from '@/lib/platform/db/prisma'
import { listUsers } from '@/lib/domains/users/repository'
import { listProperties } from '../../../support/list-properties'

// Few letters, so that there are ties; capitals, accents, characters that UTF-16 orders differently, wildcards of LIKE.
const letters = fc.constantFrom('a', 'A', 'b', 'é', 'É', '\uFB01', '😀', '%', '_', '\\', ' ')
const word = fc.string({ unit: letters, minLength: 1, maxLength: 3 })
const createdAt = fc.integer({ min: 0, max: 5 }).map((ms) => new Date(1_700_000_000_000 + ms))
const role = fc.constantFrom('user' as const, 'admin' as const)

let count = 0

const users = listProperties(
  {
    seed: fc.record({ name: fc.option(word), role, createdAt, mark: fc.constantFrom('x', 'y', 'zx') }),
    add: (seeds) => {
      const data = seeds.map(({ mark, ...row }) => {
        count += 1
        return { ...row, email: `${mark}${(count * 7) % 11}-${count}@b.test` }
      })
      return prisma().user.createManyAndReturn({ data })
    },
    clear: () => prisma().user.deleteMany(),
    remove: (rows) => prisma().user.deleteMany({ where: { id: { in: rows.map(({ id }) => id) } } }),
    query: fc.record({ q: fc.option(word, { nil: undefined }), role: fc.option(role, { nil: undefined }) }),
    isListed: (user, { q = '', role: wanted }) =>
      (wanted === undefined || user.role === wanted) &&
      [user.name, user.email].some((value) => value?.toLowerCase().includes(q.toLowerCase())),
    fields: ['name', 'email', 'createdAt'],
    read: ({ q, role: wanted }, request) =>
      listUsers({ ...(q !== undefined && { q }), ...(wanted && { role: wanted }), ...request }),
  },
  { numRuns: 100 },
)

const lists = { users }

describe.each(Object.entries(lists))(
  '%s, for any data',
  (_name, { matchReferenceImplementation, areStableUnderConcurrentWrites }) => {
    it('match the reference implementation by page and by cursor', matchReferenceImplementation, 120_000)

    it('are listed exactly once under concurrent writes', areStableUnderConcurrentWrites, 120_000)
  },
)
