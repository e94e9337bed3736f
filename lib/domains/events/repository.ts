import { config } from '@/lib/config'
import { AppError } from '@/lib/errors'
import { isMissingRow } from '@/lib/platform/db/errors'
import { prisma } from '@/lib/platform/db/prisma'
import type { Actor } from '@/lib/platform/identity/actor'
import type { Role } from '@/lib/platform/identity/schema'
import { isScope } from '@/lib/platform/identity/scopes'
import { Prisma } from '@/prisma/generated/client'
import { audienceWhere, userIdsSql, type Audience, type StoredAudience } from './audience'
import type { EventType } from './schema'

/** How many events get a position in one statement. */
const SEQUENCE_BATCH = 5_000
/** How far one read of the feed looks. A page may be shorter than asked for; its cursor goes on. */
const SCAN_MAX = 50_000n
/** The most data of one page, in bytes, unless its first event has more. */
const PAGE_BYTES = 1_048_576

type NewEvent = { type: EventType; actorId: number | null; subjectId: number | string | null; json: string | null }

const subjectTypeOf = (type: EventType) => type.slice(0, type.indexOf('.'))

/** Inserts an event for an audience, unless that is empty. Call it while the subject and its family are locked. */
export async function insertEvent(event: NewEvent, audience: Audience): Promise<void> {
  const { type, actorId, subjectId, json } = event
  const { everyone = false, admins = false } = audience
  await prisma().$executeRaw`
    INSERT INTO events (type, actor_id, subject_type, subject_id, data, everyone, admins, user_ids)
    SELECT ${type}::text, ${actorId}::int, ${subjectTypeOf(type)}::text, ${subjectId === null ? null : String(subjectId)}::text,
      ${json}::json, ${everyone}::boolean, ${admins}::boolean, ids
    FROM (SELECT nullif(ARRAY(${everyone ? Prisma.sql`SELECT 1 WHERE false` : userIdsSql(audience)}), '{}') AS ids) AS audience
    WHERE ${everyone || admins}::boolean OR ids IS NOT NULL`
}

/** Inserts an event without data for those in `before` who are not in `after`, unless that is nobody. */
export async function insertLossOfSight(
  event: Omit<NewEvent, 'json'>,
  { before, after }: { before: Audience; after: Audience },
): Promise<void> {
  const { type, actorId, subjectId } = event
  const { everyone = false, admins = false } = before
  const exceptAdmins = after.admins === true
  await prisma().$executeRaw`
    INSERT INTO events (type, actor_id, subject_type, subject_id, everyone, admins, user_ids, except_admins, except_user_ids)
    SELECT ${type}::text, ${actorId}::int, ${subjectTypeOf(type)}::text, ${String(subjectId)}::text, ${everyone}::boolean,
      ${admins && !exceptAdmins}::boolean, ids, ${exceptAdmins}::boolean, excluded
    FROM (SELECT
      nullif(ARRAY(${userIdsSql(everyone ? {} : before)} EXCEPT (${userIdsSql(after)})), '{}') AS ids,
      nullif(ARRAY(${userIdsSql(after)}), '{}') AS excluded) AS audience
    WHERE ${everyone || (admins && !exceptAdmins)}::boolean OR ids IS NOT NULL`
}

/**
 * Inserts `post.deleted` for all posts of a family, or of an author. The audience of a post is that of
 * `visiblePostsWhere`. One statement, because there may be any number of posts.
 */
export async function insertPostDeletions(
  actorId: number | null,
  posts: { familyId: number } | { authorId: number },
): Promise<void> {
  const where =
    'familyId' in posts ? Prisma.sql`p.family_id = ${posts.familyId}` : Prisma.sql`p.author_id = ${posts.authorId}`
  await prisma().$executeRaw`
    INSERT INTO events (type, actor_id, subject_type, subject_id, everyone, admins, user_ids)
    SELECT 'post.deleted', ${actorId}::int, 'post', p.id::text, p.visibility = 'public', true,
      CASE WHEN p.visibility <> 'public'
        THEN ARRAY(SELECT p.author_id UNION SELECT user_id FROM memberships AS m WHERE m.family_id = p.family_id) END
    FROM (SELECT id, visibility, author_id, family_id FROM posts AS p WHERE ${where} ORDER BY id FOR UPDATE) AS p`
}

/**
 * Inserts `family.deleted`, `post.deleted` and, for an owner, `invitation.revoked` for a user who leaves a family, without
 * which they would not know that they no longer see it. They go on seeing their own posts, and an admin sees all.
 */
export async function insertFamilyLeft(actorId: number | null, key: FamilyLeft): Promise<void> {
  const { familyId, userId } = key
  await prisma().$executeRaw`
    INSERT INTO events (type, actor_id, subject_type, subject_id, user_ids)
    SELECT 'family.deleted', ${actorId}::int, 'family', ${String(familyId)}::text, ARRAY[${userId}::int]
    UNION ALL SELECT * FROM (
      SELECT 'post.deleted', ${actorId}::int, 'post', id::text, ARRAY[${userId}::int] FROM posts
      WHERE family_id = ${familyId} AND author_id <> ${userId}
        AND NOT EXISTS (SELECT FROM users WHERE id = ${userId} AND role = 'admin')
      ORDER BY id) AS hidden`
}

type FamilyLeft = { familyId: number; userId: number }

/** Inserts `invitation.revoked` for the pending invitations of a family, for its owners or for one user. */
export async function insertInvitationRevocations(
  actorId: number | null,
  { familyId, userId }: { familyId: number; userId?: number },
): Promise<void> {
  const audience = userIdsSql(userId === undefined ? { ownerOf: familyId } : { userIds: [userId] })
  await prisma().$executeRaw`
    INSERT INTO events (type, actor_id, subject_type, subject_id, user_ids)
    SELECT 'invitation.revoked', ${actorId}::int, 'invitation', id::text, ARRAY(${audience}) FROM invitations
    WHERE family_id = ${familyId} AND accepted_at IS NULL ORDER BY id`
}

/** Inserts `file.deleted` for all files of a user who is being deleted. */
export async function insertFileDeletions(actorId: number | null, ownerId: number): Promise<void> {
  await prisma().$executeRaw`
    INSERT INTO events (type, actor_id, subject_type, subject_id, everyone, admins)
    SELECT 'file.deleted', ${actorId}::int, 'file', id::text, visibility = 'public', true
    FROM files WHERE owner_id = ${ownerId} ORDER BY id`
}

/** Publishes an event that is held back, with its final data. Does nothing if it has been published. */
export async function releaseEvent(id: bigint, json: string): Promise<void> {
  await prisma().$executeRaw`
    UPDATE events SET held_until = NULL, data = ${json}::json WHERE id = ${id} AND position IS NULL`
}

/** Gives the events that were committed since the last call their positions. */
export async function sequenceEvents(): Promise<void> {
  for (;;) {
    const [row] = await prisma().$queryRaw<{ count: number }[]>`SELECT sequence_events(${SEQUENCE_BATCH}::int) AS count`
    if ((row?.count ?? 0) < SEQUENCE_BATCH) return
  }
}

/** The positions of the feed: the last one, and the last one that is no longer stored. */
export type FeedBounds = { last: bigint; deleted: bigint }

export async function findFeedBounds(): Promise<FeedBounds> {
  const [row] = await prisma().$queryRaw<FeedBounds[]>`
    SELECT last_position AS last, deleted_position AS deleted FROM event_feed`
  return row ?? { last: 0n, deleted: 0n }
}

/** An event of the feed; `json` is its data as text. */
export type EventRow = {
  position: bigint
  type: EventType
  actorId: number | null
  subjectType: string
  subjectId: string | null
  json: string | null
  createdAt: Date
}

const eventColumns = Prisma.sql`
  position, type, actor_id AS "actorId", subject_type AS "subjectType", subject_id AS "subjectId", data::text AS json,
  created_at AS "createdAt"`

/** A part of the feed: everything up to `scannedTo` that the reader may see. */
export type FeedPage = { rows: EventRow[]; scannedTo: bigint }

/** Returns the events after a position that a reader may receive, in order. */
export async function findEvents(
  reader: Pick<Actor, 'userId' | 'role'>,
  request: { after: bigint; last: bigint; types: readonly EventType[] | undefined; limit: number },
): Promise<FeedPage> {
  const { after, last, types, limit } = request
  const end = after + SCAN_MAX < last ? after + SCAN_MAX : last
  const ofTypes = types === undefined ? Prisma.empty : Prisma.sql`AND type = ANY(${[...types]})`
  const found = await prisma().$queryRaw<(EventRow & { sizeBefore: bigint })[]>`
    SELECT ${eventColumns}, "sizeBefore" FROM (
      SELECT *, coalesce(sum(octet_length(data::text)) OVER (ORDER BY position ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0)
        AS "sizeBefore"
      FROM (
        SELECT * FROM events WHERE position > ${after} AND position <= ${end} ${ofTypes} AND ${audienceWhere(reader)}
        ORDER BY position LIMIT ${limit + 1}
      ) AS visible
    ) AS measured
    WHERE "sizeBefore" < ${PAGE_BYTES} ORDER BY position LIMIT ${limit + 1}`
  const rows = found.slice(0, limit)
  const lastRow = rows.at(-1)
  const ended = found.length <= limit && Number(found.at(-1)?.sizeBefore ?? 0) + bytesOf(found.at(-1)) < PAGE_BYTES
  return { rows, scannedTo: ended || lastRow === undefined ? end : lastRow.position }
}

const bytesOf = (row: EventRow | undefined) => Buffer.byteLength(row?.json ?? '')

/** Returns the events after a position with their audiences, in order. */
export async function findEventsWithAudience(after: bigint, limit: number): Promise<(EventRow & StoredAudience)[]> {
  return prisma().$queryRaw<(EventRow & StoredAudience)[]>`
    SELECT ${eventColumns}, everyone, admins, user_ids AS "userIds", except_admins AS "exceptAdmins",
      except_user_ids AS "exceptUserIds"
    FROM events WHERE position > ${after} ORDER BY position LIMIT ${limit}`
}

/** Keeps a clean-up statement well below the query timeout; the next run continues. */
const CLEANUP_ROWS_MAX = 10_000

/** Deletes the oldest events, if they are older than `EVENTS_RETENTION_DAYS`, and returns their number. */
export async function deleteOldEvents(): Promise<number> {
  const { eventsRetentionDays } = config()
  const [row] = await prisma().$queryRaw<{ count: number }[]>`
    WITH oldest AS MATERIALIZED (
      SELECT id, position, created_at FROM events WHERE position > (SELECT deleted_position FROM event_feed)
      ORDER BY position LIMIT ${CLEANUP_ROWS_MAX}
    ), expired AS MATERIALIZED (
      SELECT id, position FROM oldest WHERE position < coalesce((SELECT min(position) FROM oldest
        WHERE created_at >= now() - make_interval(days => ${eventsRetentionDays}::int)), 9223372036854775807)
    ), deleted AS (
      DELETE FROM events WHERE id IN (SELECT id FROM expired)
    ), moved AS (
      UPDATE event_feed SET deleted_position = greatest(deleted_position, (SELECT max(position) FROM expired))
      WHERE EXISTS (SELECT FROM expired)
    )
    SELECT count(*)::int AS count FROM expired`
  return row?.count ?? 0
}

type Hash = Uint8Array<ArrayBuffer>

/** @throws UNAUTHORIZED when the account or the credential was deleted meanwhile */
export async function insertTicket(actor: Actor, hash: Hash, expiresAt: Date): Promise<void> {
  const credential = actor.credential === 'session' ? { sessionId: actor.sessionId } : { apiKeyId: actor.apiKeyId }
  const data = { hash, userId: actor.userId, expiresAt, ...credential }
  try {
    await prisma().eventTicket.create({ data, select: { expiresAt: true } })
  } catch (error) {
    if (isMissingRow(error)) throw new AppError('UNAUTHORIZED', { cause: error })
    throw error
  }
}

/** Marks a ticket as used; returns false when it is unknown, expired or used. */
export async function useTicket(hash: Hash): Promise<boolean> {
  const now = new Date()
  const where = { hash, usedAt: null, expiresAt: { gt: now } }
  return (await prisma().eventTicket.updateMany({ where, data: { usedAt: now } })).count > 0
}

export async function findTicket(hash: Hash): Promise<{ expiresAt: Date } | undefined> {
  return (await prisma().eventTicket.findUnique({ where: { hash }, select: { expiresAt: true } })) ?? undefined
}

/** Returns the actor of a ticket, undefined when the credential has expired. */
export async function findTicketActor(hash: Hash): Promise<Actor | undefined> {
  const [row] = await prisma().$queryRaw<
    { userId: number; role: Role; sessionId: string | null; apiKeyId: string | null; scopes: string[] | null }[]
  >`
    SELECT u.id AS "userId", u.role::text AS role, s.id AS "sessionId", k.id AS "apiKeyId", k.scopes
    FROM event_tickets AS t JOIN users AS u ON u.id = t.user_id
      LEFT JOIN sessions AS s ON s.id = t.session_id AND s.expires_at > now()
      LEFT JOIN api_keys AS k ON k.id = t.api_key_id AND (k.expires_at IS NULL OR k.expires_at > now())
    WHERE t.hash = ${hash}`
  if (row === undefined) return undefined
  const { userId, role, sessionId, apiKeyId } = row
  if (sessionId !== null) return { credential: 'session', userId, role, sessionId }
  if (apiKeyId === null) return undefined
  return { credential: 'apiKey', userId, role, apiKeyId, scopes: new Set((row.scopes ?? []).filter(isScope)) }
}

/** Deletes tickets that expired more than ten minutes ago and returns their number. */
export async function deleteOldTickets(): Promise<number> {
  return prisma().$executeRaw`
    DELETE FROM event_tickets WHERE hash IN (
      SELECT hash FROM event_tickets WHERE expires_at < now() - interval '10 minutes' LIMIT ${CLEANUP_ROWS_MAX})`
}

/** Returns those of the sessions and API keys that are not revoked or expired, by id, with the role of their user. */
export async function findLiveCredentials(ids: {
  sessionIds: readonly string[]
  apiKeyIds: readonly string[]
}): Promise<Map<string, Role>> {
  const rows = await prisma().$queryRaw<{ id: string; role: Role }[]>`
    SELECT s.id::text, u.role::text AS role FROM sessions AS s JOIN users AS u ON u.id = s.user_id
    WHERE s.id = ANY(${[...ids.sessionIds]}::uuid[]) AND s.expires_at > now()
    UNION ALL
    SELECT k.id::text, u.role::text FROM api_keys AS k JOIN users AS u ON u.id = k.user_id
    WHERE k.id = ANY(${[...ids.apiKeyIds]}::uuid[]) AND (k.expires_at IS NULL OR k.expires_at > now())`
  return new Map(rows.map(({ id, role }) => [id, role]))
}
