import { isCheckViolation, isMissingRow, isUniqueViolation } from '@/lib/platform/db/errors'
import { AppError } from '@/lib/errors'
import { integerColumn } from '@/lib/platform/pagination/keyset'
import type { List, ListRequest } from '@/lib/platform/pagination/query'
import { prisma } from '@/lib/platform/db/prisma'
import { paginate } from '@/lib/platform/pagination/paginate'
import { lockRow } from '@/lib/platform/db/transaction'
import { Prisma } from '@/prisma/generated/client'
import { EMBEDDED_MEMBERS_MAX, type Family, type FamilyChanges, type FamilyRole } from './schema'
import type { FamilyWithMembers, Membership } from './schema'

type MemberKey = { familyId: number; userId: number }

const familyColumns = { id: true, name: true, createdAt: true, updatedAt: true } satisfies Prisma.FamilySelect

const membershipColumns = {
  user: { select: { id: true, name: true, email: true } },
  role: true,
  joinedAt: true,
} satisfies Prisma.MembershipSelect

const familyWithMembersColumns = {
  ...familyColumns,
  memberships: { select: membershipColumns, orderBy: { userId: 'asc' }, take: EMBEDDED_MEMBERS_MAX },
} satisfies Prisma.FamilySelect

function toFamilyWithMembers({ memberships, ...family }: Family & { memberships: Membership[] }): FamilyWithMembers {
  return { ...family, members: memberships }
}

function translate(error: unknown): never {
  if (isCheckViolation(error, 'families_owner_check')) throw new AppError('LAST_OWNER', { cause: error })
  if (isUniqueViolation(error)) throw new AppError('ALREADY_MEMBER', { cause: error })
  if (isMissingRow(error)) throw new AppError('NOT_FOUND', { cause: error })
  throw error
}

/**
 * Locks a family against deletion and changes until the end of the transaction. Every change of a membership takes this
 * lock first, so roles that are read under it stay valid.
 * @throws NOT_FOUND when the family does not exist
 */
export async function lockFamily(id: number): Promise<void> {
  if (!(await lockRow('families', id))) throw new AppError('NOT_FOUND')
}

/** Locks the families of a user like `lockFamily`, by ascending id, and returns their ids. */
export async function lockFamiliesOfUser(userId: number): Promise<number[]> {
  const rows = await prisma().$queryRaw<{ id: number }[]>`
    SELECT id FROM families
    WHERE id IN (SELECT family_id FROM memberships WHERE user_id = ${userId})
    ORDER BY id FOR NO KEY UPDATE`
  return rows.map(({ id }) => id)
}

/** Locks families, by ascending id, against deletion and changes of their memberships. Several transactions may hold it. */
export async function lockMemberships(ids: readonly number[]): Promise<void> {
  await prisma().$queryRaw`SELECT 1 FROM families WHERE id = ANY(${[...ids]}::int[]) ORDER BY id FOR SHARE`
}

/** Locks a family like `lockMemberships` if the user is a member, and returns whether that is so. */
export async function lockFamilyIfMember({ familyId, userId }: MemberKey): Promise<boolean> {
  const rows = await prisma().$queryRaw<unknown[]>`
    SELECT 1 FROM families AS f JOIN memberships AS m ON m.family_id = f.id
    WHERE f.id = ${familyId} AND m.user_id = ${userId} FOR SHARE OF f`
  return rows.length > 0
}

/** Returns the role of a user in a family, undefined when the user is not a member. */
export async function findRole(key: MemberKey): Promise<FamilyRole | undefined> {
  const row = await prisma().membership.findUnique({ where: { familyId_userId: key }, select: { role: true } })
  return row?.role
}

export async function countOwnedFamilies(userId: number): Promise<number> {
  return prisma().membership.count({ where: { userId, role: 'owner' } })
}

/**
 * Inserts a family with its first owner.
 * @throws UNAUTHORIZED when the owner's account does not exist
 */
export async function insertFamily(input: { name: string; ownerId: number }): Promise<FamilyWithMembers> {
  const { name, ownerId } = input
  const data = { name, memberships: { create: { userId: ownerId, role: 'owner' } } } as const
  const row = await prisma()
    .family.create({ data, select: familyWithMembersColumns })
    .catch((cause: unknown) => {
      throw isMissingRow(cause) ? new AppError('UNAUTHORIZED', { cause }) : cause
    })
  return toFamilyWithMembers(row)
}

/**
 * Returns a family with its first members.
 * @throws NOT_FOUND when `memberId` is not a member
 */
export async function findFamily(id: number, memberId: number): Promise<FamilyWithMembers> {
  const where = { id, memberships: { some: { userId: memberId } } }
  const row = await prisma().family.findUnique({ where, select: familyWithMembersColumns })
  if (row === null) throw new AppError('NOT_FOUND')
  return toFamilyWithMembers(row)
}

export async function updateFamily(id: number, changes: FamilyChanges): Promise<FamilyWithMembers> {
  const row = await prisma().family.update({ where: { id }, data: changes, select: familyWithMembersColumns })
  return toFamilyWithMembers(row)
}

/** Deletes a family with its memberships, invitations and posts. */
export async function deleteFamily(id: number): Promise<void> {
  await prisma().family.delete({ where: { id }, select: { id: true } })
}

/** Returns those of the families in which the user is the only member. */
export async function findSoleMemberFamilies(ids: number[], userId: number): Promise<number[]> {
  const where = { id: { in: ids }, memberships: { every: { userId } } }
  return (await prisma().family.findMany({ where, select: { id: true } })).map(({ id }) => id)
}

/** Returns the memberships of a user, by family. */
export async function findMembershipsOf(userId: number): Promise<(Membership & { familyId: number })[]> {
  const select = { ...membershipColumns, familyId: true }
  return prisma().membership.findMany({ where: { userId }, select, orderBy: { familyId: 'asc' } })
}

const familyList = {
  name: 'families',
  from: Prisma.sql`memberships`,
  id: integerColumn('family_id'),
  fields: {},
}

/** Lists the families of a user by id. */
export async function listFamilies(userId: number, query: ListRequest): Promise<List<Family>> {
  return paginate(familyList, query, {
    where: [Prisma.sql`user_id = ${userId}`],
    rows: (ids) =>
      prisma().family.findMany({
        where: { id: { in: ids }, memberships: { some: { userId } } },
        select: familyColumns,
      }),
    getId: (family) => family.id,
  })
}

const memberList = {
  name: 'members',
  from: Prisma.sql`memberships`,
  id: integerColumn('user_id'),
  fields: {},
}

/** Lists the members of a family by user id. */
export async function listMembers(familyId: number, query: ListRequest): Promise<List<Membership>> {
  return paginate(memberList, query, {
    where: [Prisma.sql`family_id = ${familyId}`],
    rows: (ids) =>
      prisma().membership.findMany({ where: { familyId, userId: { in: ids } }, select: membershipColumns }),
    getId: (member) => member.user.id,
  })
}

/**
 * Returns a membership.
 * @throws NOT_FOUND when the user is not a member
 */
export async function findMembership(key: MemberKey): Promise<Membership> {
  const row = await prisma().membership.findUnique({ where: { familyId_userId: key }, select: membershipColumns })
  if (row === null) throw new AppError('NOT_FOUND')
  return row
}

/**
 * Changes the role of a member.
 * @throws NOT_FOUND when the user is not a member
 * @throws LAST_OWNER when the family would have no owner
 */
export async function updateMembership(key: MemberKey, role: FamilyRole): Promise<Membership> {
  return prisma()
    .membership.update({ where: { familyId_userId: key }, data: { role }, select: membershipColumns })
    .catch(translate)
}

/** Deletes a membership and returns it. Throws like `updateMembership`. */
export async function deleteMembership(key: MemberKey): Promise<Membership> {
  return prisma()
    .membership.delete({ where: { familyId_userId: key }, select: membershipColumns })
    .catch(translate)
}

/**
 * Deletes all memberships of a user.
 * @throws LAST_OWNER when a family would have no owner
 */
export async function deleteMemberships(userId: number): Promise<void> {
  await prisma().membership.deleteMany({ where: { userId } }).catch(translate)
}

/** Deletes the pending invitations that a user has sent, of one family only if there is a `familyId`, and returns them. */
export async function deleteInvitationsFrom(
  invitedById: number,
  familyId: number | null = null,
): Promise<{ id: number; familyId: number }[]> {
  return prisma().$queryRaw<{ id: number; familyId: number }[]>`
    DELETE FROM invitations WHERE invited_by_id = ${invitedById} AND accepted_at IS NULL
      AND (${familyId}::int IS NULL OR family_id = ${familyId}::int)
    RETURNING id, family_id AS "familyId"`
}

/**
 * Inserts a membership and returns it with its family.
 * @throws ALREADY_MEMBER when the user is a member
 * @throws NOT_FOUND when the user's account does not exist
 */
export async function insertMembership(
  key: MemberKey & { role: FamilyRole },
): Promise<{ family: Family; membership: Membership }> {
  const select = { ...membershipColumns, family: { select: familyColumns } }
  const { family, ...membership } = await prisma().membership.create({ data: key, select }).catch(translate)
  return { family, membership }
}

/** Returns whether an e-mail address is that of a member. */
export async function isMemberAddress(familyId: number, email: string): Promise<boolean> {
  const row = await prisma().membership.findFirst({ where: { familyId, user: { email } }, select: { userId: true } })
  return row !== null
}
