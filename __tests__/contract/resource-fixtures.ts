import { receiveContactMessage } from '@/lib/domains/contact/service'
import type { Operation } from '@/lib/platform/operation'
import { enqueue } from '@/lib/platform/queue/enqueue'
import { prisma } from '@/lib/platform/db/prisma'
import { createApiKey, createProduct, createSession, signIn } from '../support/factories'
import { createFamily, createInvitation, createPost } from '../support/families'
import { linkExample } from '@/lib/domains/files/openapi'
import { storeFile } from '../support/files'

export type SignedIn = Awaited<ReturnType<typeof signIn>>

/** What a caller receives: 'pass' if the handler runs, or this status. */
export type ExpectedResult = 'pass' | 403 | 404

/** How to create the resource of a path with parameters, and who may access it. */
export type ResourceFixture = {
  /** Creates the resource. Returns the parameters of its path, and the tokens of callers that only this resource has. */
  create: (owner: SignedIn) => Promise<{ parameters: Record<string, string>; callers?: Record<string, string> }>
  /** The body of `PUT`, where the document's example would require more permissions. */
  replacement?: (owner: SignedIn) => object
  /** The expected results of callers other than the owner: `otherUser`, `admin`, and those that `create` returns. */
  others: Partial<
    Record<Operation['method'], { otherUser: ExpectedResult; admin: ExpectedResult; [caller: string]: ExpectedResult }>
  >
}

/** Creates a family with two owners, two members and an invitation. The path names the first member. */
const familyFixture: ResourceFixture['create'] = async (owner) => {
  const [otherOwner, member, otherMember] = [await signIn(), await signIn(), await signIn()]
  const { id } = await createFamily({ owners: [owner, otherOwner], members: [member, otherMember] })
  const invitationId = await createInvitation(id)
  return {
    parameters: { id: String(id), userId: String(member.user.id), invitationId: String(invitationId) },
    callers: { 'another owner': otherOwner.token, 'the member': member.token, 'another member': otherMember.token },
  }
}

const jobFixture: ResourceFixture['create'] = async () => ({
  parameters: { id: await enqueue('clean-up', {}, { runAt: new Date(Date.now() + 3_600_000) }) },
})

const forMembers = { otherUser: 404, admin: 404, 'another owner': 'pass', 'another member': 'pass' } as const
const forOwners = { otherUser: 404, admin: 404, 'another owner': 'pass', 'another member': 403 } as const

/**
 * Resources by path. Required, with all methods, for every path with parameters that is not public, and for paths whose
 * body names a resource of the owner.
 */
export const resourceFixtures: Record<string, ResourceFixture> = {
  '/api/users/{id}': {
    create: async ({ user }) => ({ parameters: { id: String(user.id) } }),
    // An API key may not change the e-mail address.
    replacement: ({ user }) => ({ email: user.email, name: 'Grace Hopper' }),
    others: {
      GET: { otherUser: 403, admin: 'pass' },
      PUT: { otherUser: 403, admin: 'pass' },
      PATCH: { otherUser: 403, admin: 'pass' },
      DELETE: { otherUser: 403, admin: 'pass' },
    },
  },
  '/api/users/{id}/profile': {
    create: async ({ user }) => ({ parameters: { id: String(user.id) } }),
    others: { GET: { otherUser: 'pass', admin: 'pass' }, PUT: { otherUser: 403, admin: 'pass' } },
  },
  '/api/users/{id}/posts': {
    create: async ({ user }) => ({ parameters: { id: String(user.id) } }),
    others: { GET: { otherUser: 'pass', admin: 'pass' } },
  },
  '/api/users/{id}/families': {
    create: async ({ user }) => ({ parameters: { id: String(user.id) } }),
    others: { GET: { otherUser: 403, admin: 'pass' } },
  },
  '/api/families/{id}': {
    create: familyFixture,
    others: { GET: forMembers, PUT: forOwners, PATCH: forOwners, DELETE: forOwners },
  },
  '/api/families/{id}/members': { create: familyFixture, others: { GET: forMembers } },
  '/api/families/{id}/members/{userId}': {
    create: familyFixture,
    others: { PATCH: { ...forOwners, 'the member': 403 }, DELETE: { ...forOwners, 'the member': 'pass' } },
  },
  '/api/families/{id}/invitations': { create: familyFixture, others: { GET: forOwners, POST: forOwners } },
  '/api/families/{id}/invitations/{invitationId}': {
    create: familyFixture,
    others: { GET: forOwners, DELETE: forOwners },
  },
  '/api/posts/{id}': {
    create: async (author) => {
      const member = await signIn()
      const { id: familyId } = await createFamily({ owners: [author], members: [member] })
      const id = await createPost(author, { visibility: 'family', familyId })
      return { parameters: { id: String(id) }, callers: { member: member.token } }
    },
    others: {
      GET: { otherUser: 404, admin: 'pass', member: 'pass' },
      PUT: { otherUser: 404, admin: 'pass', member: 403 },
      PATCH: { otherUser: 404, admin: 'pass', member: 403 },
      DELETE: { otherUser: 404, admin: 'pass', member: 403 },
    },
  },
  '/api/auth/sessions/{id}': {
    create: async ({ user }) => ({ parameters: { id: (await createSession(user)).sessionId } }),
    others: { DELETE: { otherUser: 404, admin: 404 } },
  },
  '/api/contact/{id}': {
    create: async ({ user: { email } }) => {
      await receiveContactMessage({ name: 'Ada Lovelace', email, message: 'Is the engine for sale?' })
      const { id } = await prisma().contactMessage.findFirstOrThrow({ where: { email } })
      return { parameters: { id: String(id) } }
    },
    others: { GET: { otherUser: 403, admin: 'pass' } },
  },
  '/api/api-keys/{id}': {
    create: async ({ user }) => ({ parameters: { id: (await createApiKey(user, ['users:read'])).id } }),
    others: { DELETE: { otherUser: 404, admin: 'pass' } },
  },
  '/api/files/{owner}/{path}': {
    create: async ({ user, token }) => ({
      parameters: { owner: String(user.id), path: (await storeFile(token)).path },
    }),
    others: {
      GET: { otherUser: 404, admin: 'pass' },
      POST: { otherUser: 404, admin: 403 },
      PUT: { otherUser: 404, admin: 403 },
      PATCH: { otherUser: 404, admin: 403 },
      DELETE: { otherUser: 404, admin: 403 },
    },
  },
  '/api/files/links': {
    create: async ({ token }) => {
      await storeFile(token, { path: linkExample.path })
      return { parameters: {} }
    },
    others: { POST: { otherUser: 404, admin: 404 } },
  },
  '/api/jobs/{id}': { create: jobFixture, others: { DELETE: { otherUser: 403, admin: 'pass' } } },
  '/api/jobs/{id}/retry': { create: jobFixture, others: { POST: { otherUser: 403, admin: 'pass' } } },
  '/api/products/{id}': {
    create: async () => ({ parameters: { id: String((await createProduct()).id) } }),
    others: {
      PUT: { otherUser: 403, admin: 'pass' },
      PATCH: { otherUser: 403, admin: 'pass' },
      DELETE: { otherUser: 403, admin: 'pass' },
    },
  },
}
