import { receiveContactMessage } from '@/lib/domains/contact/service'
import type { Operation } from '@/lib/platform/operation'
import { prisma } from '@/lib/platform/db/prisma'
import { createApiKey, createProduct, createSession, signIn } from '../support/factories'
import { createFamily, createInvitation, createPost } from '../support/families'
import { linkExample } from '@/lib/domains/files/openapi'
import { storeFile } from '../support/files'

export type SignedIn = Awaited<ReturnType<typeof signIn>>

/** What a caller meets: the route's own work, or a refusal with this status. */
export type ExpectedResult = 'pass' | 403 | 404

/** Something that a path with parameters is about. */
export type Subject = {
  /** Makes it for its owner: the values of the path's parameters, and the tokens of callers that only this subject has. */
  make: (owner: SignedIn) => Promise<{ parameters: Record<string, string>; callers?: Record<string, string> }>
  /** The body of a `PUT`, where the document's example would ask for more than the caller is tried for. */
  replacement?: (owner: SignedIn) => object
  /** What others than the owner meet, by method and caller: `otherUser` and `admin` always, and the subject's own. */
  others: Partial<
    Record<Operation['method'], { otherUser: ExpectedResult; admin: ExpectedResult; [caller: string]: ExpectedResult }>
  >
}

/** A family of this owner's with another one and two members, of whom the path is about one, and an invitation. */
const inFamily: Subject['make'] = async (owner) => {
  const [otherOwner, member, otherMember] = [await signIn(), await signIn(), await signIn()]
  const { id } = await createFamily({ owners: [owner, otherOwner], members: [member, otherMember] })
  const invitationId = await createInvitation(id)
  return {
    parameters: { id: String(id), userId: String(member.user.id), invitationId: String(invitationId) },
    callers: { 'another owner': otherOwner.token, 'the member': member.token, 'another member': otherMember.token },
  }
}

const forMembers = { otherUser: 404, admin: 404, 'another owner': 'pass', 'another member': 'pass' } as const
const forOwners = { otherUser: 404, admin: 404, 'another owner': 'pass', 'another member': 403 } as const

/**
 * What the document cannot say: how a path is filled, and who may do what to whose. A path with parameters that is for
 * callers with credentials needs an entry here, with all its methods; so does one whose body names something of the owner's.
 */
export const subjects: Record<string, Subject> = {
  '/api/users/{id}': {
    make: async ({ user }) => ({ parameters: { id: String(user.id) } }),
    // An API key may replace what it likes, but for the address.
    replacement: ({ user }) => ({ email: user.email, name: 'Grace Hopper' }),
    others: {
      GET: { otherUser: 403, admin: 'pass' },
      PUT: { otherUser: 403, admin: 'pass' },
      PATCH: { otherUser: 403, admin: 'pass' },
      DELETE: { otherUser: 403, admin: 'pass' },
    },
  },
  '/api/users/{id}/profile': {
    make: async ({ user }) => ({ parameters: { id: String(user.id) } }),
    others: { GET: { otherUser: 'pass', admin: 'pass' }, PUT: { otherUser: 403, admin: 'pass' } },
  },
  '/api/users/{id}/posts': {
    make: async ({ user }) => ({ parameters: { id: String(user.id) } }),
    others: { GET: { otherUser: 'pass', admin: 'pass' } },
  },
  '/api/users/{id}/families': {
    make: async ({ user }) => ({ parameters: { id: String(user.id) } }),
    others: { GET: { otherUser: 403, admin: 'pass' } },
  },
  '/api/families/{id}': {
    make: inFamily,
    others: { GET: forMembers, PUT: forOwners, PATCH: forOwners, DELETE: forOwners },
  },
  '/api/families/{id}/members': { make: inFamily, others: { GET: forMembers } },
  '/api/families/{id}/members/{userId}': {
    make: inFamily,
    others: { PATCH: { ...forOwners, 'the member': 403 }, DELETE: { ...forOwners, 'the member': 'pass' } },
  },
  '/api/families/{id}/invitations': { make: inFamily, others: { GET: forOwners, POST: forOwners } },
  '/api/families/{id}/invitations/{invitationId}': {
    make: inFamily,
    others: { GET: forOwners, DELETE: forOwners },
  },
  '/api/posts/{id}': {
    make: async (author) => {
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
    make: async ({ user }) => ({ parameters: { id: (await createSession(user)).sessionId } }),
    others: { DELETE: { otherUser: 404, admin: 404 } },
  },
  '/api/contact/{id}': {
    make: async ({ user: { email } }) => {
      await receiveContactMessage({ name: 'Ada Lovelace', email, message: 'Is the engine for sale?' })
      const { id } = await prisma().contactMessage.findFirstOrThrow({ where: { email } })
      return { parameters: { id: String(id) } }
    },
    others: { GET: { otherUser: 403, admin: 'pass' } },
  },
  '/api/api-keys/{id}': {
    make: async ({ user }) => ({ parameters: { id: (await createApiKey(user, ['users:read'])).id } }),
    others: { DELETE: { otherUser: 404, admin: 404 } },
  },
  '/api/files/{owner}/{path}': {
    make: async ({ user, token }) => ({
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
    make: async ({ token }) => {
      await storeFile(token, { path: linkExample.path })
      return { parameters: {} }
    },
    others: { POST: { otherUser: 404, admin: 404 } },
  },
  '/api/products/{id}': {
    make: async () => ({ parameters: { id: String((await createProduct()).id) } }),
    others: {
      PUT: { otherUser: 403, admin: 'pass' },
      PATCH: { otherUser: 403, admin: 'pass' },
      DELETE: { otherUser: 403, admin: 'pass' },
    },
  },
}
