import { randomUUID } from 'node:crypto'
import fc from 'fast-check'
import { AUDIT_ACTIONS } from '@/lib/domains/audit/schema'
import { listAuditEvents } from '@/lib/domains/audit/service'
import type { Actor } from '@/lib/platform/identity/actor'
import { hashOpaqueToken, newOpaqueToken } from '@/lib/platform/crypto/opaque-token'
import { listContactMessages } from '@/lib/domains/contact/service'
import { listMembers } from '@/lib/domains/families/repository'
import { listFamiliesOf, listMyFamilies } from '@/lib/domains/families/service'
import { normalizePath } from '@/lib/domains/files/path'
import { listFiles } from '@/lib/domains/files/service'
import { listInvitations } from '@/lib/domains/families/invitations/repository'
import { prisma } from '@/lib/platform/db/prisma'
import { uniqueEmail, createUser } from '../../../support/factories'
import { inOrder, listProperties } from '../../../support/list-properties'

// The lists of products, posts and users are tested in the folders of their domains.

const names = ['Ada', 'Charles'] as const
type Name = (typeof names)[number]

let people: Record<Name | 'admin', Actor>
/** Two families without members, which only the lists below them contain. */
let homes: [here: number, elsewhere: number]

const createActor = async (role: 'user' | 'admin' = 'user'): Promise<Actor> => {
  const { id } = await createUser({ role })
  return { credential: 'session', sessionId: randomUUID(), userId: id, role }
}

const createHome = async () => (await prisma().family.create({ data: { name: 'A home' }, select: { id: true } })).id

beforeAll(async () => {
  people = { Ada: await createActor(), Charles: await createActor(), admin: await createActor('admin') }
  homes = [await createHome(), await createHome()]
})

const time = fc.integer({ min: 0, max: 4 }).map((ms) => new Date(1_700_000_000_000 + ms))
const whereIds = <T>(rows: readonly { id: T }[]) => ({ where: { id: { in: rows.map(({ id }) => id) } } })
const seldom = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined, freq: 2 })

const families = listProperties(
  {
    seed: fc.subarray([...names]),
    add: async (seeds) => {
      const made = await prisma().family.createManyAndReturn({ data: seeds.map(() => ({ name: 'A family' })) })
      const rows = made.map(({ id }, index) => ({ id, members: seeds[index] ?? [] }))
      const data = rows.flatMap(({ id, members }) =>
        members.map((name) => ({ familyId: id, userId: people[name].userId, role: 'owner' as const })),
      )
      await prisma().membership.createMany({ data })
      return rows
    },
    clear: () => prisma().family.deleteMany({ where: { id: { notIn: homes } } }),
    remove: (rows) => prisma().family.deleteMany(whereIds(rows)),
    query: fc.record({
      name: fc.constantFrom(...names),
      asked: fc.constantFrom('by themselves', 'by an admin', 'plainly'),
    }),
    isListed: ({ members }, { name }) => members.includes(name),
    fields: [],
    read: ({ name, asked }, request) =>
      asked === 'plainly'
        ? listMyFamilies(people[name], request)
        : listFamiliesOf(people[asked === 'by an admin' ? 'admin' : name], people[name].userId, request),
  },
  { numRuns: 30 },
)

const inHome = fc.record({ isHere: fc.boolean() })

const members = listProperties(
  {
    seed: inHome,
    add: async (seeds) => {
      const users = await prisma().user.createManyAndReturn({ data: seeds.map(() => ({ email: uniqueEmail() })) })
      const rows = users.map(({ id }, index) => ({ id, isHere: seeds[index]?.isHere ?? false }))
      const data = rows.map(({ id, isHere }) => ({
        familyId: homes[isHere ? 0 : 1],
        userId: id,
        role: 'member' as const,
      }))
      await prisma().membership.createMany({ data })
      return rows
    },
    clear: () => prisma().membership.deleteMany({ where: { familyId: { in: homes } } }),
    remove: (rows) => prisma().membership.deleteMany({ where: { userId: { in: rows.map(({ id }) => id) } } }),
    query: fc.constant(undefined),
    isListed: ({ isHere }) => isHere,
    fields: [],
    read: async (_query, request) => {
      const list = await listMembers(homes[0], request)
      return { ...list, items: list.items.map(({ user }) => user) }
    },
  },
  { numRuns: 25 },
)

const invitations = listProperties(
  {
    seed: fc.record({ isHere: fc.boolean(), isAccepted: fc.boolean(), isExpired: fc.boolean() }),
    add: async (seeds) => {
      const data = seeds.map(({ isHere, isAccepted, isExpired }) => ({
        familyId: homes[isHere ? 0 : 1],
        email: uniqueEmail(),
        role: 'member' as const,
        tokenHash: hashOpaqueToken(newOpaqueToken()),
        acceptedAt: isAccepted ? new Date() : null,
        expiresAt: new Date(Date.now() + (isExpired ? -1 : 1) * 3_600_000),
      }))
      const made = await prisma().invitation.createManyAndReturn({ data, select: { id: true } })
      return seeds.map((row, index) => ({ ...row, id: made[index]?.id ?? 0 }))
    },
    clear: () => prisma().invitation.deleteMany(),
    remove: (rows) => prisma().invitation.deleteMany(whereIds(rows)),
    query: fc.constant(undefined),
    isListed: ({ isHere, isAccepted }) => isHere && !isAccepted,
    fields: [],
    read: (_query, request) => listInvitations(homes[0], request),
  },
  { numRuns: 25 },
)

// Nested folders, wildcards of LIKE, characters that UTF-16 orders differently, and the last code point.
const letter = fc.constantFrom('a', 'A', 'é', '/', '.', '%', '_', '\uD7FF', '\uFB01', '😀', '\u{10FFFF}')
const path = fc
  .string({ unit: letter, minLength: 1, maxLength: 4 })
  .filter((text) => 'path' in normalizePath(text.split('/')))
let fileCount = 0

const files = listProperties(
  {
    seed: fc.record({ owner: fc.constantFrom(...names), path, createdAt: time, updatedAt: time }),
    add: async (seeds) => {
      const data = seeds.map(({ owner, path: name, ...times }) => {
        fileCount += 1
        const stored = { mimeType: 'text/plain', sha256: '0'.repeat(64), storageKey: randomUUID(), sizeBytes: 1n }
        return { ...stored, ...times, ownerId: people[owner].userId, path: `${name}${fileCount}` }
      })
      const made = await prisma().storedFile.createManyAndReturn({ data })
      return made.map((row, index) => ({ ...row, owner: seeds[index]?.owner ?? 'Ada' }))
    },
    clear: () => prisma().storedFile.deleteMany(),
    remove: (rows) => prisma().storedFile.deleteMany(whereIds(rows)),
    query: fc.record({
      owner: fc.constantFrom(...names),
      prefix: seldom(fc.string({ unit: letter, minLength: 1, maxLength: 2 })),
    }),
    isListed: (file, { owner, prefix = '' }) => file.owner === owner && file.path.startsWith(prefix),
    fields: ['path', 'createdAt', 'updatedAt'],
    order: inOrder([{ field: 'path', direction: 'asc' }]),
    read: ({ owner, prefix }, request) =>
      listFiles(people[owner], { ...(prefix !== undefined && { prefix }), ...request }),
  },
  { numRuns: 80 },
)

const action = fc.constantFrom(...AUDIT_ACTIONS.slice(0, 3))

const auditEvents = listProperties(
  {
    seed: fc.record({ action, actor: fc.option(fc.constantFrom(...names)), createdAt: time }),
    add: async (seeds) => {
      const data = seeds.map(({ actor, ...row }) => ({ ...row, actorId: actor && people[actor].userId }))
      const made = await prisma().auditEvent.createManyAndReturn({ data })
      return made.map((row, index) => ({ ...row, id: Number(row.id), actor: seeds[index]?.actor }))
    },
    clear: () => prisma().auditEvent.deleteMany(),
    remove: (rows) => prisma().auditEvent.deleteMany(whereIds(rows)),
    query: fc.record({ action: seldom(action), actor: seldom(fc.constantFrom(...names)) }),
    isListed: (event, { action: wanted = event.action, actor = event.actor }) =>
      event.action === wanted && event.actor === actor,
    fields: ['createdAt'],
    order: inOrder([{ field: 'createdAt', direction: 'desc' }]),
    read: ({ action: wanted, actor }, request) =>
      listAuditEvents({
        ...(wanted && { action: wanted }),
        ...(actor && { actorId: people[actor].userId }),
        ...request,
      }),
  },
  { numRuns: 30 },
)

const contactMessages = listProperties(
  {
    seed: fc.record({ createdAt: time }),
    add: (seeds) => {
      const data = seeds.map((row) => ({ ...row, name: 'Ada', email: uniqueEmail(), message: 'Is it for sale?' }))
      return prisma().contactMessage.createManyAndReturn({ data })
    },
    clear: () => prisma().contactMessage.deleteMany(),
    remove: (rows) => prisma().contactMessage.deleteMany(whereIds(rows)),
    query: fc.constant(undefined),
    isListed: () => true,
    fields: [],
    order: inOrder([{ field: 'id', direction: 'desc' }]),
    read: (_query, request) => listContactMessages(request),
  },
  { numRuns: 30 },
)

const lists = {
  families,
  members,
  invitations,
  files,
  'audit events': auditEvents,
  'contact messages': contactMessages,
}

describe.each(Object.entries(lists))(
  '%s, for any data',
  (_name, { matchReferenceImplementation, areStableUnderConcurrentWrites }) => {
    it('match the reference implementation by page and by cursor', matchReferenceImplementation, 120_000)

    it('are listed exactly once under concurrent writes', areStableUnderConcurrentWrites, 120_000)
  },
)
