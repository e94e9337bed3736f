import { auditUnknownTokens, recordEvent } from '@/lib/domains/audit/service'
import type { Actor, ClientInfo } from '@/lib/platform/identity/actor'
import { hashOpaqueToken, newOpaqueToken } from '@/lib/platform/crypto/opaque-token'
import { config } from '@/lib/config'
import { AppError, isAppError } from '@/lib/errors'
import { inTransaction } from '@/lib/platform/db/transaction'
import type { Precondition } from '@/lib/platform/etag'
import { recordChange } from '@/lib/domains/events/service'
import type { Family } from '@/lib/domains/families/schema'
import {
  addMember,
  assertOwner,
  isMemberAddress,
  isOwner,
  lockFamily,
  lockOwnedFamily,
} from '@/lib/domains/families/service'
import type { List, ListRequest } from '@/lib/platform/pagination/query'
import { enqueueMail } from '@/lib/platform/mail/enqueue-mail'
import { encrypt } from '@/lib/platform/crypto/encrypt'
import * as repository from './repository'
import type { Invitation, NewInvitation } from './schema'

type InvitationKey = { familyId: number; id: number }

/**
 * Invites an e-mail address to a family and enqueues the e-mail. A pending invitation of the same address is replaced, and
 * its link stops working.
 * @throws NOT_FOUND when the caller is not a member of the family
 * @throws FORBIDDEN when the caller is not an owner
 * @throws ALREADY_MEMBER when the address is that of a member
 * @throws QUOTA_EXCEEDED when the family has `INVITATIONS_PER_FAMILY` pending invitations
 */
export async function invite(
  actor: Actor,
  familyId: number,
  input: NewInvitation,
  client: ClientInfo,
): Promise<Invitation> {
  const token = newOpaqueToken()
  const expiresAt = new Date(Date.now() + config().invitationTtlSeconds * 1000)
  return inTransaction(async () => {
    await lockOwnedFamily(actor, familyId)
    if (await isMemberAddress(familyId, input.email)) throw new AppError('ALREADY_MEMBER')
    const replacedId = await repository.deletePendingInvitation(familyId, input.email)
    if (replacedId !== undefined) await recordInvitation('revoked', actor, { familyId, id: replacedId }, null)
    const { invitationsPerFamily } = config()
    // The lock of the family orders invitations, so that concurrent ones cannot exceed the limit.
    if ((await repository.countPendingInvitations(familyId)) >= invitationsPerFamily) {
      const message = `A family can have at most ${invitationsPerFamily} pending invitations.`
      throw new AppError('QUOTA_EXCEEDED', { message })
    }
    const { invitation, emailData } = await repository.insertInvitation({
      ...input,
      familyId,
      tokenHash: hashOpaqueToken(token),
      invitedById: actor.userId,
      expiresAt,
    })
    const content = {
      template: 'accept-invitation',
      encryptedToken: encrypt('queued-token', token),
      ...emailData,
    } as const
    await enqueueMail({ to: input.email, content, expiresAt })
    const details = { familyId, invitationId: invitation.id, email: invitation.email, role: invitation.role }
    await recordEvent({ action: 'invitation_created', actorId: actor.userId, client, details })
    await recordInvitation('created', actor, { familyId, id: invitation.id }, invitation)
    return invitation
  })
}

/** Records a change of an invitation for the owners of the family, as part of the surrounding transaction. */
async function recordInvitation(
  change: 'created' | 'accepted' | 'revoked',
  { userId: actorId }: Actor,
  { familyId, id }: InvitationKey,
  data: Invitation | null,
): Promise<void> {
  await recordChange({ type: `invitation.${change}`, actorId, id, data, audience: { ownerOf: familyId } })
}

/**
 * Lists the pending invitations of a family.
 * @throws NOT_FOUND when the caller is not a member of the family
 * @throws FORBIDDEN when the caller is not an owner
 */
export async function listInvitations(actor: Actor, familyId: number, query: ListRequest): Promise<List<Invitation>> {
  await assertOwner(actor, familyId)
  return repository.listInvitations(familyId, query)
}

/** Returns a pending invitation. Throws like `listInvitations`, and NOT_FOUND when the family has no such invitation. */
export async function getInvitation(actor: Actor, key: InvitationKey): Promise<Invitation> {
  await assertOwner(actor, key.familyId)
  return repository.findPendingInvitation(key)
}

/**
 * Revokes a pending invitation. Throws like `getInvitation`.
 * @throws PRECONDITION_FAILED when the precondition rejects the current invitation
 */
export async function revokeInvitation(
  actor: Actor,
  key: InvitationKey,
  client: ClientInfo,
  precondition?: Precondition,
): Promise<void> {
  await inTransaction(async () => {
    await lockOwnedFamily(actor, key.familyId)
    const current = await repository.findPendingInvitation(key)
    precondition?.(current)
    await repository.deleteInvitation(key.id)
    const details = { familyId: key.familyId, invitationId: key.id, email: current.email }
    await recordEvent({ action: 'invitation_revoked', actorId: actor.userId, client, details })
    await recordInvitation('revoked', actor, key, null)
  })
}

/**
 * Makes the caller a member of the family that the token is for. Only the user whose current e-mail address was invited may
 * accept; the address need not be verified, because the token has proven that the user reads it.
 * @throws INVALID_TOKEN when the token is unknown, revoked or for another address, or its sender is no longer an owner
 * @throws TOKEN_REUSED when the invitation was accepted before
 * @throws TOKEN_EXPIRED when the invitation has expired
 * @throws ALREADY_MEMBER when the caller is a member of the family
 */
export async function acceptInvitation(actor: Actor, token: string, client: ClientInfo): Promise<Family> {
  const attempt = { token: 'invitation', actorId: actor.userId } as const
  return auditUnknownTokens(attempt, client, () => joinFamily(actor, token, client))
}

async function joinFamily(actor: Actor, token: string, client: ClientInfo): Promise<Family> {
  const tokenHash = hashOpaqueToken(token)
  const { userId } = actor
  const found = await repository.findInvitationByToken(tokenHash, userId)
  if (found === undefined) throw new AppError('INVALID_TOKEN')
  const { familyId } = found
  try {
    return await inTransaction(async () => {
      await lockFamily(familyId)
      // Read again: it may have been accepted, revoked or replaced while this transaction waited for the lock.
      const invitation = await repository.findInvitationByToken(tokenHash, userId)
      if (invitation === undefined) throw new AppError('INVALID_TOKEN')
      if (invitation.acceptedAt !== null) throw new AppError('TOKEN_REUSED')
      if (invitation.expiresAt <= new Date()) throw new AppError('TOKEN_EXPIRED')
      const { invitedById } = invitation
      if (invitedById === null || !(await isOwner({ familyId, userId: invitedById }))) {
        throw new AppError('INVALID_TOKEN')
      }
      const { id: invitationId, role } = invitation
      const accepted = await repository.markAccepted(invitationId)
      // Before the new member joins: as an owner, they could not see the invitation when it was accepted.
      await recordInvitation('accepted', actor, { familyId, id: invitationId }, accepted)
      const family = await addMember({ familyId, userId, role })
      const details = { familyId, invitationId, role, invitedById }
      await recordEvent({ action: 'invitation_accepted', actorId: userId, client, details })
      return family
    })
  } catch (error) {
    // The family or the caller's account was deleted meanwhile.
    if (isAppError(error) && error.code === 'NOT_FOUND') throw new AppError('INVALID_TOKEN', { cause: error })
    throw error
  }
}
