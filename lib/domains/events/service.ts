import { AppError } from '@/lib/errors'
import { hashOpaqueToken, newOpaqueToken } from '@/lib/platform/crypto/opaque-token'
import { afterCommit } from '@/lib/platform/db/transaction'
import type { Actor } from '@/lib/platform/identity/actor'
import { includesAll, type Audience } from './audience'
import { eventJson, startOf } from './feed'
import { announceEvents } from './feed-signal'
import * as repository from './repository'
import { eventId, type EventTicket, type EventType, type FeedEvent, type ListEventsQuery } from './schema'

export type { Audience } from './audience'
export { openEventStream } from './feed-reader'

type Deletion = Extract<EventType, `${string}.deleted` | 'invitation.revoked'>

/** The event that replaces a subject for those who lose sight of it. */
const LOSSES: Record<string, Deletion> = {
  'post.updated': 'post.deleted',
  'file.updated': 'file.deleted',
}

type Change = {
  type: EventType
  /** The user who made the change; null for anonymous clients and the operator. */
  actorId: number | null
  /** The id of the subject; null for an import. */
  id: number | string | null
  /** The resource as a GET returns it; null for deletions. */
  data: object | null
  audience: Audience
  /** Who could read the subject before. Those who no longer can receive its deletion instead. */
  previousAudience?: Audience
}

/**
 * Records a change as an event, as part of the surrounding transaction (outbox). Call it after the change, while the
 * subject is locked, so that the events of a subject are in the order of the commits; where the audience depends on a
 * family, while that is locked too.
 */
export async function recordChange(change: Change): Promise<void> {
  const { type, actorId, id, data, audience, previousAudience = audience } = change
  const json = data === null ? null : JSON.stringify(data)
  await repository.insertEvent({ type, actorId, subjectId: id, json }, audience)
  const loss = LOSSES[type]
  if (loss !== undefined && !includesAll(audience, previousAudience)) {
    const audiences = { before: previousAudience, after: audience }
    await repository.insertLossOfSight({ type: loss, actorId, subjectId: id }, audiences)
  }
  await afterCommit(announceEvents)
}

/**
 * Records the deletion of all posts of a family, or of an author, as part of the surrounding transaction. Call it before
 * the deletion.
 */
export async function recordPostDeletions(
  actorId: number | null,
  posts: { familyId: number } | { authorId: number },
): Promise<void> {
  await repository.insertPostDeletions(actorId, posts)
  await afterCommit(announceEvents)
}

/** Records the deletion of all files of a user, as part of the surrounding transaction. Call it before the deletion. */
export async function recordFileDeletions(actorId: number | null, ownerId: number): Promise<void> {
  await repository.insertFileDeletions(actorId, ownerId)
  await afterCommit(announceEvents)
}

/**
 * Records, as part of the transaction in which a user leaves a family, that they no longer see it and its posts and, if
 * they were an owner, its pending invitations.
 */
export async function recordFamilyLeft(
  actorId: number | null,
  key: { familyId: number; userId: number },
  { wasOwner }: { wasOwner: boolean },
): Promise<void> {
  await repository.insertFamilyLeft(actorId, key)
  if (wasOwner) await repository.insertInvitationRevocations(actorId, key)
  await afterCommit(announceEvents)
}

/**
 * Records the revocation of the pending invitations of a family for its owners or, with `userId`, for a user who is no
 * longer one, as part of the surrounding transaction.
 */
export async function recordInvitationRevocations(
  actorId: number | null,
  invitations: { familyId: number; userId?: number },
): Promise<void> {
  await repository.insertInvitationRevocations(actorId, invitations)
  await afterCommit(announceEvents)
}

/** Sets the counts of the event of an import and publishes it. The batches have created it. */
export async function finishImport(
  eventId: string,
  { created, updated, failed }: { created: number; updated: number; failed: number },
): Promise<void> {
  await repository.releaseEvent(BigInt(eventId), JSON.stringify({ created, updated, failed }))
  announceEvents()
}

/** A page of the feed. `nextCursor` is null at its end. */
export type EventPage = { events: FeedEvent[]; nextCursor: string | null }

/**
 * Returns the events after another one, or the oldest ones, that the caller could see when they happened.
 * @throws CURSOR_EXPIRED when events after it are no longer stored
 * @throws VALIDATION_ERROR when there is no such event
 */
export async function listEvents(actor: Actor, query: ListEventsQuery): Promise<EventPage> {
  const { after = '', types, limit } = query
  await repository.sequenceEvents()
  const bounds = await repository.findFeedBounds()
  const request = { after: startOf(after, bounds), last: bounds.last, types, limit }
  const { rows, scannedTo } = await repository.findEvents(actor, request)
  return {
    events: rows.map((row) => JSON.parse(eventJson(row))),
    nextCursor: scannedTo < bounds.last ? eventId(scannedTo) : null,
  }
}

/** How long a ticket can be used. */
const TICKET_TTL_MS = 60_000

/** Issues a ticket that opens one event stream with the credential of the caller. */
export async function issueTicket(actor: Actor): Promise<EventTicket> {
  const ticket = newOpaqueToken()
  const expiresAt = new Date(Date.now() + TICKET_TTL_MS)
  await repository.insertTicket(actor, hashOpaqueToken(ticket), expiresAt)
  return { ticket, expiresAt }
}

/**
 * Uses a ticket and returns the actor that it was issued to.
 * @throws INVALID_TOKEN when the ticket is unknown or its credential revoked
 * @throws TOKEN_REUSED when it was used
 * @throws TOKEN_EXPIRED when it has expired
 */
export async function redeemTicket(ticket: string): Promise<Actor> {
  const hash = hashOpaqueToken(ticket)
  if (await repository.useTicket(hash)) {
    const actor = await repository.findTicketActor(hash)
    if (actor !== undefined) return actor
  }
  const found = await repository.findTicket(hash)
  if (found === undefined) throw new AppError('INVALID_TOKEN')
  if (found.expiresAt <= new Date()) throw new AppError('TOKEN_EXPIRED')
  throw new AppError('TOKEN_REUSED')
}
