import type { FamilyTransaction } from '@/lib/domains/families/repository'
import type { FamilyRole } from '@/lib/domains/families/schema'
import { integerKey } from '@/lib/platform/pagination/keyset'
import type { List, ListRequest } from '@/lib/platform/pagination/query'
import { prisma } from '@/lib/platform/db/prisma'
import { paginate } from '@/lib/platform/pagination/paginate'
import { Prisma } from '@/prisma/generated/client'
import type { Invitation } from './schema'

const invitationColumns = {
  id: true,
  email: true,
  role: true,
  createdAt: true,
  expiresAt: true,
} satisfies Prisma.InvitationSelect

/**
 * Adds an invitation in the place of an open one to the same address, whose link is dead from then on. With it comes what
 * its mail says of the family, and of whoever invites.
 */
export async function replaceInvitation(
  transaction: FamilyTransaction,
  input: {
    familyId: number
    email: string
    role: FamilyRole
    tokenHash: Uint8Array<ArrayBuffer>
    invitedById: number
    expiresAt: Date
  },
): Promise<{ invitation: Invitation; letter: { familyName: string; inviter: string } }> {
  const { familyId, email } = input
  await transaction.invitation.deleteMany({ where: { familyId, email, acceptedAt: null } })
  const { family, invitedBy, ...invitation } = await transaction.invitation.create({
    data: input,
    select: {
      ...invitationColumns,
      family: { select: { name: true } },
      invitedBy: { select: { name: true, email: true } },
    },
  })
  const inviter = invitedBy?.name ?? invitedBy?.email ?? ''
  return { invitation, letter: { familyName: family.name, inviter } }
}

const openInvitationList = {
  name: 'invitations',
  from: Prisma.sql`invitations`,
  id: integerKey('id'),
  fields: {},
}

/** Part of the invitations that nobody has accepted, expired ones too, by id. */
export async function listInvitations(familyId: number, query: ListRequest): Promise<List<Invitation>> {
  return paginate(openInvitationList, query, {
    where: [Prisma.sql`family_id = ${familyId}`, Prisma.sql`accepted_at IS NULL`],
    rows: (ids) => prisma().invitation.findMany({ where: { id: { in: ids }, familyId }, select: invitationColumns }),
    getId: (invitation) => invitation.id,
  })
}

/** An invitation of a family that nobody has accepted. */
export async function findOpenInvitation(key: { id: number; familyId: number }): Promise<Invitation | undefined> {
  const where = { ...key, acceptedAt: null }
  return (await prisma().invitation.findUnique({ where, select: invitationColumns })) ?? undefined
}

export async function deleteInvitation(transaction: FamilyTransaction, id: number): Promise<void> {
  await transaction.invitation.delete({ where: { id }, select: { id: true } })
}

/** What a token offers, and whom: to a user with another address it is nothing. */
export async function findInvitationByToken(
  tokenHash: Uint8Array<ArrayBuffer>,
  userId: number,
  transaction: Prisma.TransactionClient = prisma(),
): Promise<{ id: number; familyId: number; role: FamilyRole; expiresAt: Date; acceptedAt: Date | null } | undefined> {
  const user = await transaction.user.findUnique({ where: { id: userId }, select: { email: true } })
  if (user === null) return undefined
  const offer = await transaction.invitation.findUnique({
    where: { tokenHash, email: user.email },
    select: { id: true, familyId: true, role: true, expiresAt: true, acceptedAt: true },
  })
  return offer ?? undefined
}

export async function markAccepted(transaction: FamilyTransaction, id: number): Promise<void> {
  await transaction.invitation.update({ where: { id }, data: { acceptedAt: new Date() }, select: { id: true } })
}

/** So that a statement ends well within the time that a query may take; the next sweep goes on. */
const ROWS_MAX = 10_000

/** Removes invitations, accepted ones too, that have been expired for a month. How many. */
export async function deleteOldInvitations(): Promise<number> {
  return prisma().$executeRaw`
    DELETE FROM invitations WHERE id IN (
      SELECT id FROM invitations WHERE expires_at < now() - interval '30 days' LIMIT ${ROWS_MAX})`
}
