import { isCheckViolation, isMissingRow, isUniqueViolation } from '@/lib/platform/db/errors'
import { AppError } from '@/lib/errors'
import { integerKey } from '@/lib/platform/pagination/keyset'
import type { List, ListRequest } from '@/lib/platform/pagination/query'
import { prisma } from '@/lib/platform/db/prisma'
import { paginate } from '@/lib/platform/pagination/paginate'
import { inTransaction } from '@/lib/platform/db/transaction'
import { Prisma } from '@/prisma/generated/client'
import { EMBEDDED_MEMBERS_MAX, type Family, type FamilyChanges, type FamilyRole } from './schema'
import type { FamilyWithMembers, Membership } from './schema'

/** A transaction that holds the lock on a family's row: whoever changes its memberships waits for its end. */
export type FamilyTransaction = Prisma.TransactionClient

export const familyColumns = { id: true, name: true, createdAt: true, updatedAt: true } satisfies Prisma.FamilySelect

const membershipColumns = {
  user: { select: { id: true, name: true, email: true } },
  role: true,
  joinedAt: true,
} satisfies Prisma.MembershipSelect

/** The constraint by which the database itself refuses to leave a family without an owner. */
export function isLastOwnerViolation(error: unknown): boolean {
  return isCheckViolation(error, 'families_owner_check')
}

function translate(error: unknown): never {
  if (isLastOwnerViolation(error)) throw new AppError('LAST_OWNER', { cause: error })
  if (isUniqueViolation(error)) throw new AppError('ALREADY_MEMBER', { cause: error })
  if (isMissingRow(error)) throw new AppError('NOT_FOUND', { cause: error })
  throw error
}

/**
 * Works in a transaction that holds the family, so that what it reads of roles stays true until its end. Nobody who only
 * reads or posts waits. Families are locked before users, and several of them in the order of their ids.
 * NOT_FOUND, LAST_OWNER, ALREADY_MEMBER.
 */
export async function withFamily<T>(id: number, work: (transaction: FamilyTransaction) => Promise<T>): Promise<T> {
  return inTransaction(async (transaction) => {
    const held = await transaction.$queryRaw<unknown[]>`SELECT 1 FROM families WHERE id = ${id} FOR NO KEY UPDATE`
    if (held.length === 0) throw new AppError('NOT_FOUND')
    return work(transaction)
  }).catch(translate)
}

/** What a user is in a family, if anything. */
export async function findRole(
  key: { familyId: number; userId: number },
  transaction: FamilyTransaction = prisma(),
): Promise<FamilyRole | undefined> {
  const row = await transaction.membership.findUnique({ where: { familyId_userId: key }, select: { role: true } })
  return row?.role
}

/** Adds a family with its first owner, in one transaction. NOT_FOUND when the owner's account is gone. */
export async function insertFamily(input: { name: string; ownerId: number }): Promise<Family> {
  const { name, ownerId } = input
  return prisma()
    .family.create({
      data: { name, memberships: { create: { userId: ownerId, role: 'owner' } } },
      select: familyColumns,
    })
    .catch(translate)
}

/** A family and its first members, for a member: NOT_FOUND for anybody else. */
export async function findFamily(
  id: number,
  memberId: number,
  transaction: FamilyTransaction = prisma(),
): Promise<FamilyWithMembers> {
  const row = await transaction.family.findUnique({
    where: { id, memberships: { some: { userId: memberId } } },
    select: {
      ...familyColumns,
      memberships: { select: membershipColumns, orderBy: { userId: 'asc' }, take: EMBEDDED_MEMBERS_MAX },
    },
  })
  if (row === null) throw new AppError('NOT_FOUND')
  const { memberships, ...family } = row
  return { ...family, members: memberships }
}

export async function updateFamily(
  transaction: FamilyTransaction,
  id: number,
  changes: FamilyChanges,
): Promise<Family> {
  return transaction.family.update({ where: { id }, data: changes, select: familyColumns })
}

/** With memberships, invitations and posts. */
export async function deleteFamily(transaction: FamilyTransaction, id: number): Promise<void> {
  await transaction.family.delete({ where: { id }, select: { id: true } })
}

const familyList = {
  name: 'families',
  from: Prisma.sql`memberships`,
  id: integerKey('family_id'),
  fields: {},
}

/** Part of a user's families, by id. */
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
  id: integerKey('user_id'),
  fields: {},
}

/** Part of a family's members, by the id of the user. */
export async function listMembers(familyId: number, query: ListRequest): Promise<List<Membership>> {
  return paginate(memberList, query, {
    where: [Prisma.sql`family_id = ${familyId}`],
    rows: (ids) =>
      prisma().membership.findMany({ where: { familyId, userId: { in: ids } }, select: membershipColumns }),
    getId: (member) => member.user.id,
  })
}

type MemberKey = { familyId: number; userId: number }

/** NOT_FOUND. */
export async function findMembership(transaction: FamilyTransaction, key: MemberKey): Promise<Membership> {
  const row = await transaction.membership.findUnique({ where: { familyId_userId: key }, select: membershipColumns })
  if (row === null) throw new AppError('NOT_FOUND')
  return row
}

/** NOT_FOUND, LAST_OWNER. */
export async function updateMembership(
  transaction: FamilyTransaction,
  key: MemberKey,
  role: FamilyRole,
): Promise<Membership> {
  return transaction.membership.update({
    where: { familyId_userId: key },
    data: { role },
    select: membershipColumns,
  })
}

/** NOT_FOUND, LAST_OWNER. */
export async function deleteMembership(transaction: FamilyTransaction, key: MemberKey): Promise<void> {
  await transaction.membership.delete({ where: { familyId_userId: key }, select: { role: true } })
}

/** ALREADY_MEMBER; NOT_FOUND when the account is gone. */
export async function insertMembership(
  transaction: FamilyTransaction,
  membership: MemberKey & { role: FamilyRole },
): Promise<Family> {
  const { family } = await transaction.membership.create({
    data: membership,
    select: { family: { select: familyColumns } },
  })
  return family
}

/** Whether an address is that of a member. */
export async function isMemberAddress(
  transaction: FamilyTransaction,
  familyId: number,
  email: string,
): Promise<boolean> {
  const row = await transaction.membership.findFirst({ where: { familyId, user: { email } }, select: { userId: true } })
  return row !== null
}

/**
 * Makes a user's families ready for the deletion of the account in the same transaction: holds all of them, and removes
 * those that have no other member. What is left of them may still refuse to lose its last owner.
 */
export async function deleteSoleMemberFamilies(transaction: Prisma.TransactionClient, userId: number): Promise<void> {
  const held = await transaction.$queryRaw<{ id: number }[]>`
    SELECT id FROM families
    WHERE id IN (SELECT family_id FROM memberships WHERE user_id = ${userId})
    ORDER BY id FOR NO KEY UPDATE`
  if (held.length === 0) return
  await transaction.family.deleteMany({
    where: { id: { in: held.map((family) => family.id) }, memberships: { every: { userId } } },
  })
}
