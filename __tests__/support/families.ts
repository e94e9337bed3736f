import { hashOpaqueToken, newOpaqueToken } from '@/lib/platform/crypto/opaque-token'
import { prisma } from '@/lib/platform/db/prisma'
import { decrypt } from '@/lib/platform/crypto/encrypt'
import type { Family, FamilyRole } from '@/lib/domains/families/schema'
import type { Visibility } from '@/lib/domains/posts/schema'
import { uniqueEmail, signIn } from './factories'

export type Caller = Awaited<ReturnType<typeof signIn>>

/** Creates a family with these owners and members. */
export async function createFamily(people: { owners: Caller[]; members?: Caller[] }): Promise<Family> {
  const joining = (role: FamilyRole) => (caller: Caller) => ({ userId: caller.user.id, role })
  const memberships = [...people.owners.map(joining('owner')), ...(people.members ?? []).map(joining('member'))]
  return prisma().family.create({
    data: { name: 'The Lovelaces', memberships: { create: memberships } },
    select: { id: true, name: true, createdAt: true, updatedAt: true },
  })
}

/** Creates a family with two owners and a member, and a user and an admin outside it. User ids ascend in this order. */
export async function createFamilyFixture() {
  const owner = await signIn()
  const otherOwner = await signIn({ name: 'Charles Babbage' })
  const member = await signIn({ name: null })
  const otherUser = await signIn()
  const admin = await signIn({ role: 'admin' })
  const family = await createFamily({ owners: [owner, otherOwner], members: [member] })
  return { owner, otherOwner, member, otherUser, admin, family, url: `/api/families/${family.id}` }
}

/** Creates a pending invitation with an unknown token. Returns its id. */
export async function createInvitation(familyId: number): Promise<number> {
  const { id } = await prisma().invitation.create({
    data: {
      familyId,
      email: uniqueEmail(),
      role: 'member',
      tokenHash: hashOpaqueToken(newOpaqueToken()),
      expiresAt: new Date(Date.now() + 3_600_000),
    },
    select: { id: true },
  })
  return id
}

/** Creates a post. Returns its id. */
export async function createPost(
  author: { user: { id: number } },
  given: { visibility?: Visibility; familyId?: number; title?: string; content?: string; createdAt?: Date } = {},
): Promise<number> {
  const { visibility = 'public', title = 'Notes', content = 'On the engine' } = given
  const { id } = await prisma().post.create({
    data: { ...given, visibility, title, content, authorId: author.user.id },
    select: { id: true },
  })
  return id
}

/** Removes a member in the database, without the API. */
export async function removeMemberDirectly(familyId: number, userId: number): Promise<void> {
  await prisma().membership.deleteMany({ where: { familyId, userId } })
}

type MailPayload = { to: string; content: { encryptedToken: string; familyName: string; inviter: string } }

/** Returns the contents of queued invitation e-mails to an address, oldest first. `token` is the token of the link. */
export async function queuedInvitationEmails(email: string): Promise<(MailPayload['content'] & { token: string })[]> {
  const rows = await prisma().$queryRaw<{ payload: MailPayload }[]>`
    SELECT payload FROM graphile_worker._private_jobs WHERE payload->>'to' = ${email} ORDER BY id`
  return rows.map(({ payload: { content } }) => ({
    ...content,
    token: decrypt('queued-token', content.encryptedToken),
  }))
}
