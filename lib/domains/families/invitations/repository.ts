import { AppError } from '@/lib/errors'
import { integerColumn } from '@/lib/platform/pagination/keyset'
import type { List, ListRequest } from '@/lib/platform/pagination/query'
import { prisma } from '@/lib/platform/db/prisma'
import { paginate } from '@/lib/platform/pagination/paginate'
import { Prisma } from '@/prisma/generated/client'
import type { Invitation } from './schema'

type Role = Invitation['role']

const invitationColumns = {
  id: true,
  email: true,
  role: true,
  createdAt: true,
  expiresAt: true,
} satisfies Prisma.InvitationSelect

/** Deletes the pending invitation of an address, if there is one, and returns its id. */
export async function deletePendingInvitation(familyId: number, email: string): Promise<number | undefined> {
  const [deleted] = await prisma().$queryRaw<{ id: number }[]>`
    DELETE FROM invitations WHERE family_id = ${familyId} AND email = ${email} AND accepted_at IS NULL RETURNING id`
  return deleted?.id
}

export async function countPendingInvitations(familyId: number): Promise<number> {
  return prisma().invitation.count({ where: { familyId, acceptedAt: null } })
}

/** Inserts an invitation. `emailData` names the family and the inviting user for the e-mail. */
export async function insertInvitation(input: {
  familyId: number
  email: string
  role: Role
  tokenHash: Uint8Array<ArrayBuffer>
  invitedById: number
  expiresAt: Date
}): Promise<{ invitation: Invitation; emailData: { familyName: string; inviter: string } }> {
  const { family, invitedBy, ...invitation } = await prisma().invitation.create({
    data: input,
    select: {
      ...invitationColumns,
      family: { select: { name: true } },
      invitedBy: { select: { name: true, email: true } },
    },
  })
  // The address next to the name, which anyone may choose.
  const { name = null, email = '' } = invitedBy ?? {}
  const inviter = name === null ? email : `${name} (${email})`
  return { invitation, emailData: { familyName: family.name, inviter } }
}

const pendingInvitationList = {
  name: 'invitations',
  from: Prisma.sql`invitations`,
  id: integerColumn('id'),
  fields: {},
}

/** Lists the pending invitations of a family by id, including expired ones. */
export async function listInvitations(familyId: number, query: ListRequest): Promise<List<Invitation>> {
  return paginate(pendingInvitationList, query, {
    where: [Prisma.sql`family_id = ${familyId}`, Prisma.sql`accepted_at IS NULL`],
    rows: (ids) => prisma().invitation.findMany({ where: { id: { in: ids }, familyId }, select: invitationColumns }),
    getId: (invitation) => invitation.id,
  })
}

/**
 * Returns a pending invitation of a family.
 * @throws NOT_FOUND when the family has none with this id
 */
export async function findPendingInvitation(key: { id: number; familyId: number }): Promise<Invitation> {
  const where = { ...key, acceptedAt: null }
  const row = await prisma().invitation.findUnique({ where, select: invitationColumns })
  if (row === null) throw new AppError('NOT_FOUND')
  return row
}

export async function deleteInvitation(id: number): Promise<void> {
  await prisma().invitation.delete({ where: { id }, select: { id: true } })
}

type InvitationByToken = {
  id: number
  familyId: number
  role: Role
  invitedById: number | null
  expiresAt: Date
  acceptedAt: Date | null
}

/** Returns the invitation of a token if it is for the current e-mail address of the user. */
export async function findInvitationByToken(
  tokenHash: Uint8Array<ArrayBuffer>,
  userId: number,
): Promise<InvitationByToken | undefined> {
  const user = await prisma().user.findUnique({ where: { id: userId }, select: { email: true } })
  if (user === null) return undefined
  const invitation = await prisma().invitation.findUnique({
    where: { tokenHash, email: user.email },
    select: { id: true, familyId: true, role: true, invitedById: true, expiresAt: true, acceptedAt: true },
  })
  return invitation ?? undefined
}

export async function markAccepted(id: number): Promise<Invitation> {
  return prisma().invitation.update({ where: { id }, data: { acceptedAt: new Date() }, select: invitationColumns })
}

/** Keeps the statement well below the query timeout; the next clean-up continues. */
const ROWS_MAX = 10_000

/** Deletes invitations, including accepted ones, that expired more than 30 days ago. Returns the number deleted. */
export async function deleteOldInvitations(): Promise<number> {
  return prisma().$executeRaw`
    DELETE FROM invitations WHERE id IN (
      SELECT id FROM invitations WHERE expires_at < now() - interval '30 days' LIMIT ${ROWS_MAX})`
}
