import { recordEvent } from '@/lib/domains/audit/service'
import type { Actor, ClientInfo } from '@/lib/platform/identity/actor'
import type { Precondition } from '@/lib/platform/etag'
import { config } from '@/lib/config'
import { AppError } from '@/lib/errors'
import { assertRowQuota } from '@/lib/platform/db/row-quota'
import { inTransaction } from '@/lib/platform/db/transaction'
import type { List, ListRequest } from '@/lib/platform/pagination/query'
import {
  recordChange,
  recordFamilyLeft,
  recordInvitationRevocations,
  recordPostDeletions,
} from '@/lib/domains/events/service'
import * as repository from './repository'
import type { Family, FamilyChanges, FamilyRole, FamilyWithMembers, Membership } from './schema'

type MemberKey = { familyId: number; userId: number }

/** Only members may see inside a family: non-members, including admins, get the NOT_FOUND of a family that does not exist. */
async function getOwnRole(actor: Actor, familyId: number): Promise<FamilyRole> {
  const role = await repository.findRole({ familyId, userId: actor.userId })
  if (role === undefined) throw new AppError('NOT_FOUND')
  return role
}

/**
 * Checks that the caller owns a family.
 * @throws NOT_FOUND when the caller is not a member
 * @throws FORBIDDEN when the caller is not an owner
 */
export async function assertOwner(actor: Actor, familyId: number): Promise<void> {
  if ((await getOwnRole(actor, familyId)) !== 'owner') throw new AppError('FORBIDDEN')
}

/** Returns whether a user owns a family. Under `lockFamily` it stays so until the end of the transaction. */
export async function isOwner(key: MemberKey): Promise<boolean> {
  return (await repository.findRole(key)) === 'owner'
}

/**
 * Locks a family until the end of the transaction, so that its memberships cannot change meanwhile. Reading it and posting
 * to it do not wait. Lock order: families by ascending id, then posts, then users.
 * @throws NOT_FOUND when the family does not exist
 */
export async function lockFamily(familyId: number): Promise<void> {
  await repository.lockFamily(familyId)
}

/** Locks a family like `lockFamily`, then checks that the caller owns it like `assertOwner`. */
export async function lockOwnedFamily(actor: Actor, familyId: number): Promise<void> {
  await repository.lockFamily(familyId)
  await assertOwner(actor, familyId)
}

/**
 * Locks the memberships of families until the end of the transaction, so that the events of their posts reach exactly
 * those who are members at the commit. Call it before locking posts. Unknown families are ignored.
 */
export async function lockMemberships(familyIds: readonly number[]): Promise<void> {
  if (familyIds.length > 0) await repository.lockMemberships(familyIds)
}

/** Returns whether a user is a member of a family; if so, locks it like `lockMemberships`. */
export async function isMember(key: MemberKey): Promise<boolean> {
  return repository.lockFamilyIfMember(key)
}

/** Lists the families of the caller. */
export async function listMyFamilies(actor: Actor, query: ListRequest): Promise<List<Family>> {
  return repository.listFamilies(actor.userId, query)
}

/**
 * Lists the families of a user. Admins see the list, but nothing inside the families.
 * @throws FORBIDDEN when the caller is neither that user nor an admin, whether the user exists or not
 */
export async function listFamiliesOf(actor: Actor, userId: number, query: ListRequest): Promise<List<Family>> {
  if (actor.userId !== userId && actor.role !== 'admin') throw new AppError('FORBIDDEN')
  return repository.listFamilies(userId, query)
}

/**
 * Creates a family with the caller as its owner.
 * @throws UNAUTHORIZED when the caller's account was deleted meanwhile
 * @throws QUOTA_EXCEEDED when the caller owns `FAMILIES_PER_USER` families
 */
export async function createFamily(actor: Actor, input: { name: string }): Promise<FamilyWithMembers> {
  const ownerId = actor.userId
  return inTransaction(async () => {
    await assertRowQuota({ name: 'families', ownerId, max: config().familiesPerUser }, () =>
      repository.countOwnedFamilies(ownerId),
    )
    const family = await repository.insertFamily({ name: input.name, ownerId })
    const audience = { memberOf: family.id }
    await recordChange({ type: 'family.created', actorId: ownerId, id: family.id, data: family, audience })
    return family
  })
}

/**
 * Returns a family with its first members.
 * @throws NOT_FOUND when the caller is not a member
 */
export async function getFamily(actor: Actor, familyId: number): Promise<FamilyWithMembers> {
  return repository.findFamily(familyId, actor.userId)
}

/**
 * Updates a family.
 * @throws NOT_FOUND when the caller is not a member
 * @throws FORBIDDEN when the caller is not an owner
 * @throws PRECONDITION_FAILED when the precondition rejects the current family
 */
export async function updateFamily(
  actor: Actor,
  familyId: number,
  changes: FamilyChanges,
  precondition?: Precondition,
): Promise<FamilyWithMembers> {
  return inTransaction(async () => {
    await lockOwnedFamily(actor, familyId)
    precondition?.(await repository.findFamily(familyId, actor.userId))
    const family = await repository.updateFamily(familyId, changes)
    const audience = { memberOf: familyId }
    await recordChange({ type: 'family.updated', actorId: actor.userId, id: familyId, data: family, audience })
    return family
  })
}

/** Deletes a family with its memberships, invitations and posts, as part of the surrounding transaction. */
async function deleteLockedFamily(actorId: number, familyId: number): Promise<void> {
  await recordPostDeletions(actorId, { familyId })
  await recordInvitationRevocations(actorId, { familyId })
  await recordChange({
    type: 'family.deleted',
    actorId,
    id: familyId,
    data: null,
    audience: { memberOf: familyId },
  })
  await repository.deleteFamily(familyId)
}

/** Records the revocation of an invitation for the owners of its family, as part of the surrounding transaction. */
async function recordRevocation(actorId: number, { id, familyId }: { id: number; familyId: number }): Promise<void> {
  await recordChange({ type: 'invitation.revoked', actorId, id, data: null, audience: { ownerOf: familyId } })
}

/** Deletes a family with its memberships, invitations and posts. Throws like `updateFamily`. */
export async function deleteFamily(actor: Actor, familyId: number, precondition?: Precondition): Promise<void> {
  await inTransaction(async () => {
    await lockOwnedFamily(actor, familyId)
    precondition?.(await repository.findFamily(familyId, actor.userId))
    await deleteLockedFamily(actor.userId, familyId)
  })
}

/**
 * Lists the members of a family.
 * @throws NOT_FOUND when the caller is not a member
 */
export async function listMembers(actor: Actor, familyId: number, query: ListRequest): Promise<List<Membership>> {
  await getOwnRole(actor, familyId)
  return repository.listMembers(familyId, query)
}

/** Revokes the pending invitations that a member has sent, as part of the surrounding transaction. */
async function revokeInvitationsFrom(actor: Actor, { familyId, userId }: MemberKey, client: ClientInfo): Promise<void> {
  const revoked = await repository.deleteInvitationsFrom(userId, familyId)
  for (const invitation of revoked) await recordRevocation(actor.userId, invitation)
  const details = { familyId, invitedById: userId, count: revoked.length }
  if (revoked.length > 0) await recordEvent({ action: 'invitation_revoked', actorId: actor.userId, client, details })
}

/**
 * Changes the role of a member. The pending invitations of an owner who becomes a member are revoked.
 * @throws NOT_FOUND when the caller or the user is not a member
 * @throws FORBIDDEN when the caller is not an owner
 * @throws LAST_OWNER when the family would have no owner
 * @throws PRECONDITION_FAILED when the precondition rejects the current membership
 */
export async function changeRole(
  actor: Actor,
  key: MemberKey,
  change: { role: FamilyRole; precondition?: Precondition | undefined },
  client: ClientInfo,
): Promise<Membership> {
  const { role, precondition } = change
  return inTransaction(async () => {
    await lockOwnedFamily(actor, key.familyId)
    const current = await repository.findMembership(key)
    precondition?.(current)
    if (role !== 'owner') await revokeInvitationsFrom(actor, key, client)
    const membership = await repository.updateMembership(key, role)
    await recordMemberChange('family.member_updated', actor.userId, key.familyId, membership)
    if (current.role === 'owner' && role !== 'owner') await recordInvitationRevocations(actor.userId, key)
    await recordEvent({ action: 'member_updated', actorId: actor.userId, client, details: { ...key, role } })
    return membership
  })
}

/**
 * Removes a member, whose pending invitations are revoked: owners may remove anyone, other members only themselves. Throws
 * like `changeRole`.
 */
export async function removeMember(
  actor: Actor,
  key: MemberKey,
  client: ClientInfo,
  precondition?: Precondition,
): Promise<void> {
  await inTransaction(async () => {
    if (actor.userId === key.userId) await repository.lockFamily(key.familyId)
    else await lockOwnedFamily(actor, key.familyId)
    precondition?.(await repository.findMembership(key))
    await revokeInvitationsFrom(actor, key, client)
    const membership = await repository.deleteMembership(key)
    await recordMemberChange('family.member_removed', actor.userId, key.familyId, membership)
    await recordFamilyLeft(actor.userId, key, { wasOwner: membership.role === 'owner' })
    await recordEvent({ action: 'member_removed', actorId: actor.userId, client, details: { ...key } })
  })
}

/** Records a change of a membership for the members of the family, as part of the surrounding transaction. */
async function recordMemberChange(
  type: 'family.member_added' | 'family.member_updated' | 'family.member_removed',
  actorId: number,
  familyId: number,
  membership: Membership,
): Promise<void> {
  await recordChange({ type, actorId, id: familyId, data: membership, audience: { memberOf: familyId } })
}

/** Returns whether an e-mail address is that of a member. */
export async function isMemberAddress(familyId: number, email: string): Promise<boolean> {
  return repository.isMemberAddress(familyId, email)
}

/**
 * Adds a member to a family, which the caller has locked with `lockFamily`.
 * @throws ALREADY_MEMBER when the user is a member
 * @throws NOT_FOUND when the user's account was deleted meanwhile
 */
export async function addMember(key: MemberKey & { role: FamilyRole }): Promise<Family> {
  const { family, membership } = await repository.insertMembership(key)
  await recordMemberChange('family.member_added', key.userId, key.familyId, membership)
  return family
}

/**
 * Removes a user from all families, revokes their invitations, and deletes families that have no other member. Part of the transaction that deletes the
 * account; call it before locking the user.
 * @throws LAST_OWNER when a family with other members would have no owner
 */
export async function leaveAllFamilies(actorId: number, userId: number): Promise<void> {
  const familyIds = await repository.lockFamiliesOfUser(userId)
  for (const familyId of await repository.findSoleMemberFamilies(familyIds, userId)) {
    await deleteLockedFamily(actorId, familyId)
  }
  for (const invitation of await repository.deleteInvitationsFrom(userId)) await recordRevocation(actorId, invitation)
  const memberships = await repository.findMembershipsOf(userId)
  await repository.deleteMemberships(userId)
  for (const { familyId, ...membership } of memberships) {
    await recordMemberChange('family.member_removed', actorId, familyId, membership)
  }
}
