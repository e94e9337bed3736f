import type { Actor } from '@/lib/platform/identity/actor'
import type { Precondition } from '@/lib/platform/etag'
import { AppError } from '@/lib/errors'
import type { List, ListRequest } from '@/lib/platform/pagination/query'
import * as repository from './repository'
import type { Family, FamilyChanges, FamilyRole, FamilyWithMembers, Membership } from './schema'

function checkOwner(role: FamilyRole | undefined): void {
  if (role === undefined) throw new AppError('NOT_FOUND')
  if (role !== 'owner') throw new AppError('FORBIDDEN')
}

/** NOT_FOUND; FORBIDDEN for a mere member. */
export async function assertOwner(actor: Actor, familyId: number): Promise<void> {
  checkOwner(await repository.findRole({ familyId, userId: actor.userId }))
}

/** Whether a user belongs to a family. */
export async function isMember(
  key: { familyId: number; userId: number },
  transaction?: repository.FamilyTransaction,
): Promise<boolean> {
  return (await repository.findRole(key, transaction)) !== undefined
}

/**
 * The inside of a family is its members' alone: an admin who is none gets the same NOT_FOUND as anybody, and as for a
 * family that is not there.
 */
async function assertMember(actor: Actor, familyId: number): Promise<void> {
  if (!(await isMember({ familyId, userId: actor.userId }))) throw new AppError('NOT_FOUND')
}

/** Works on a family that nobody else changes meanwhile, as an owner. NOT_FOUND; FORBIDDEN for a mere member. */
export async function withOwnedFamily<T>(
  actor: Actor,
  familyId: number,
  work: (transaction: repository.FamilyTransaction) => Promise<T>,
): Promise<T> {
  return repository.withFamily(familyId, async (transaction) => {
    checkOwner(await repository.findRole({ familyId, userId: actor.userId }, transaction))
    return work(transaction)
  })
}

/** The families of whoever asks. */
export async function listMyFamilies(actor: Actor, query: ListRequest): Promise<List<Family>> {
  return repository.listFamilies(actor.userId, query)
}

/**
 * The families that a user belongs to, for that user and for admins, who see no more of them than this. FORBIDDEN,
 * whether the user exists or not.
 */
export async function listFamiliesOf(actor: Actor, userId: number, query: ListRequest): Promise<List<Family>> {
  if (actor.userId !== userId && actor.role !== 'admin') throw new AppError('FORBIDDEN')
  return repository.listFamilies(userId, query)
}

/** Makes a family; whoever does is its owner. */
export async function createFamily(actor: Actor, input: { name: string }): Promise<Family> {
  return repository.insertFamily({ name: input.name, ownerId: actor.userId })
}

/** NOT_FOUND. */
export async function getFamily(actor: Actor, familyId: number): Promise<FamilyWithMembers> {
  return repository.findFamily(familyId, actor.userId)
}

/** NOT_FOUND, FORBIDDEN, PRECONDITION_FAILED. */
export async function updateFamily(
  actor: Actor,
  familyId: number,
  changes: FamilyChanges,
  precondition?: Precondition,
): Promise<Family> {
  return withOwnedFamily(actor, familyId, async (transaction) => {
    precondition?.(await repository.findFamily(familyId, actor.userId, transaction))
    return repository.updateFamily(transaction, familyId, changes)
  })
}

/** Removes a family with its invitations and posts. NOT_FOUND, FORBIDDEN, PRECONDITION_FAILED. */
export async function deleteFamily(actor: Actor, familyId: number, precondition?: Precondition): Promise<void> {
  return withOwnedFamily(actor, familyId, async (transaction) => {
    precondition?.(await repository.findFamily(familyId, actor.userId, transaction))
    return repository.deleteFamily(transaction, familyId)
  })
}

/** NOT_FOUND. */
export async function listMembers(actor: Actor, familyId: number, query: ListRequest): Promise<List<Membership>> {
  await assertMember(actor, familyId)
  return repository.listMembers(familyId, query)
}

/** NOT_FOUND, FORBIDDEN, LAST_OWNER, PRECONDITION_FAILED. */
export async function changeRole(
  actor: Actor,
  key: { familyId: number; userId: number },
  role: FamilyRole,
  precondition?: Precondition,
): Promise<Membership> {
  return withOwnedFamily(actor, key.familyId, async (transaction) => {
    precondition?.(await repository.findMembership(transaction, key))
    return repository.updateMembership(transaction, key, role)
  })
}

/** Leaves a family, or removes another from it as an owner. NOT_FOUND, FORBIDDEN, LAST_OWNER, PRECONDITION_FAILED. */
export async function removeMember(
  actor: Actor,
  key: { familyId: number; userId: number },
  precondition?: Precondition,
): Promise<void> {
  const remove = async (transaction: repository.FamilyTransaction) => {
    precondition?.(await repository.findMembership(transaction, key))
    await repository.deleteMembership(transaction, key)
  }
  if (actor.userId === key.userId) return repository.withFamily(key.familyId, remove)
  return withOwnedFamily(actor, key.familyId, remove)
}

/** Whether an address is that of a member. */
export async function isMemberAddress(
  transaction: repository.FamilyTransaction,
  familyId: number,
  email: string,
): Promise<boolean> {
  return repository.isMemberAddress(transaction, familyId, email)
}

/** Makes a user a member in the role that `admit` lets them in with. NOT_FOUND, ALREADY_MEMBER. */
export async function joinFamily(
  key: { familyId: number; userId: number },
  admit: (transaction: repository.FamilyTransaction) => Promise<FamilyRole>,
): Promise<Family> {
  return repository.withFamily(key.familyId, async (transaction) =>
    repository.insertMembership(transaction, { ...key, role: await admit(transaction) }),
  )
}
