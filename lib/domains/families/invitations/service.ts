import type { Actor } from '@/lib/platform/identity/actor'
import { hashOpaqueToken, newOpaqueToken } from '@/lib/platform/crypto/opaque-token'
import { config } from '@/lib/config'
import { AppError, isAppError } from '@/lib/errors'
import type { Precondition } from '@/lib/platform/etag'
import type { Family } from '@/lib/domains/families/schema'
import { withOwnedFamily, assertOwner, isMemberAddress, joinFamily } from '@/lib/domains/families/service'
import type { List, ListRequest } from '@/lib/platform/pagination/query'
import { enqueueMail } from '@/lib/platform/mail/enqueue-mail'
import { encrypt } from '@/lib/platform/crypto/encrypt'
import * as repository from './repository'
import type { Invitation, NewInvitation } from './schema'

/**
 * Invites an address to a family; the mail is owed from the same moment on. A new invitation takes the place of an open
 * one to the same address: the earlier link is dead. NOT_FOUND, FORBIDDEN, ALREADY_MEMBER.
 */
export async function invite(actor: Actor, familyId: number, input: NewInvitation): Promise<Invitation> {
  const token = newOpaqueToken()
  const expiresAt = new Date(Date.now() + config().invitationTtlSeconds * 1000)
  return withOwnedFamily(actor, familyId, async (transaction) => {
    if (await isMemberAddress(transaction, familyId, input.email)) throw new AppError('ALREADY_MEMBER')
    const { invitation, letter } = await repository.replaceInvitation(transaction, {
      ...input,
      familyId,
      tokenHash: hashOpaqueToken(token),
      invitedById: actor.userId,
      expiresAt,
    })
    const content = {
      template: 'accept-invitation',
      encryptedToken: encrypt('queued-token', token),
      ...letter,
    } as const
    await enqueueMail({ to: input.email, content, expiresAt })
    return invitation
  })
}

/** The open invitations of a family, for its owners. NOT_FOUND, FORBIDDEN. */
export async function listInvitations(actor: Actor, familyId: number, query: ListRequest): Promise<List<Invitation>> {
  await assertOwner(actor, familyId)
  return repository.listInvitations(familyId, query)
}

/**
 * Returns a pending invitation.
 * @throws NOT_FOUND when the caller is not a member or there is no such invitation
 * @throws FORBIDDEN when the caller is not an owner
 */
export async function getInvitation(actor: Actor, key: { familyId: number; id: number }): Promise<Invitation> {
  await assertOwner(actor, key.familyId)
  const invitation = await repository.findOpenInvitation(key)
  if (invitation === undefined) throw new AppError('NOT_FOUND')
  return invitation
}

/** Takes an open invitation back. NOT_FOUND, FORBIDDEN, PRECONDITION_FAILED. */
export async function revokeInvitation(
  actor: Actor,
  key: { familyId: number; id: number },
  precondition?: Precondition,
): Promise<void> {
  return withOwnedFamily(actor, key.familyId, async (transaction) => {
    const open = await repository.findOpenInvitation(key)
    if (open === undefined) throw new AppError('NOT_FOUND')
    precondition?.(open)
    await repository.deleteInvitation(transaction, key.id)
  })
}

/**
 * Makes the caller a member. The token is for the user whose present address was invited; whoever else holds it learns
 * no more than of a made-up one: INVALID_TOKEN. That it arrived shows that the address is read, so an unverified one will
 * do. TOKEN_REUSED, TOKEN_EXPIRED, ALREADY_MEMBER.
 */
export async function acceptInvitation(actor: Actor, token: string): Promise<Family> {
  const tokenHash = hashOpaqueToken(token)
  const found = await repository.findInvitationByToken(tokenHash, actor.userId)
  if (found === undefined) throw new AppError('INVALID_TOKEN')
  try {
    return await joinFamily({ familyId: found.familyId, userId: actor.userId }, async (transaction) => {
      // Read again: it may have been used, withdrawn or replaced while this request waited for the family.
      const offer = await repository.findInvitationByToken(tokenHash, actor.userId, transaction)
      if (offer === undefined) throw new AppError('INVALID_TOKEN')
      if (offer.acceptedAt !== null) throw new AppError('TOKEN_REUSED')
      if (offer.expiresAt <= new Date()) throw new AppError('TOKEN_EXPIRED')
      await repository.markAccepted(transaction, offer.id)
      return offer.role
    })
  } catch (error) {
    if (isAppError(error) && error.code === 'NOT_FOUND') throw new AppError('INVALID_TOKEN', { cause: error })
    throw error
  }
}
