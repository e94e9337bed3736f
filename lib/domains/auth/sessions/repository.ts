import { config } from '@/lib/config'
import { isMissingRow } from '@/lib/platform/db/errors'
import { AppError } from '@/lib/errors'
import { prisma } from '@/lib/platform/db/prisma'
import type { ClientInfo } from '@/lib/platform/identity/actor'
import type { LiveCredential } from '@/lib/platform/identity/credential-cache'
import type { Role } from '@/lib/platform/identity/schema'
import { isUuid } from '@/lib/validation'
import { Prisma } from '@/prisma/generated/client'
import { isAuthenticationMethod, type AuthenticationMethod, type Session } from './schema'

/** `last_used_at` is updated at most this often (ms), so that most requests do not write. */
const LAST_USE_INTERVAL_MS = 60_000

/** Limits a clean-up statement, so that it ends well within the query timeout; the next run continues. */
const CLEANUP_ROWS_MAX = 10_000

const DAY_MS = 86_400_000

/** A SHA-256, see `hashOpaqueToken`. */
type Hash = Uint8Array<ArrayBuffer>

/** The time at which a session `s` expires: earlier than planned after `SESSION_INACTIVITY_DAYS` without a request. */
function expiry(): Prisma.Sql {
  const { sessionInactivityDays: days } = config()
  if (days === 0) return Prisma.sql`s.expires_at`
  return Prisma.sql`least(s.expires_at, s.last_used_at + make_interval(days => ${days}::int))`
}

/**
 * Locks a user's password against changes and returns its hash. The user's row is locked before the password, in the
 * order in which a deletion of the user locks them, so that the two cannot deadlock.
 */
export async function lockPasswordHash(userId: number): Promise<string | undefined> {
  const [password] = await prisma().$queryRaw<{ hash: string }[]>`
    SELECT p.hash FROM users u JOIN passwords p ON p.user_id = u.id WHERE u.id = ${userId}
    FOR KEY SHARE OF u FOR SHARE OF p`
  return password?.hash
}

/**
 * Inserts a session and returns its id.
 * @throws INVALID_CREDENTIALS when the account was deleted
 */
export async function insertSession(
  session: {
    userId: number
    refreshTokenHash: Hash
    expiresAt: Date
    amr: AuthenticationMethod[]
    authenticatedAt: Date
  },
  { ip, userAgent }: ClientInfo,
): Promise<string> {
  const { refreshTokenHash, ...columns } = session
  const tokens = { create: { hash: refreshTokenHash } }
  try {
    const { id } = await prisma().session.create({
      data: { ...columns, ip, userAgent: userAgent ?? null, tokens },
      select: { id: true },
    })
    return id
  } catch (error) {
    if (isMissingRow(error)) throw new AppError('INVALID_CREDENTIALS', { cause: error })
    throw error
  }
}

/** Deletes all but the newest `max` sessions of a user. Returns the ids of those deleted. */
export async function deleteOldestSessions(userId: number, max: number): Promise<string[]> {
  const rows = await prisma().$queryRaw<{ id: string }[]>`
    DELETE FROM sessions WHERE id IN (
      SELECT id FROM sessions WHERE user_id = ${userId} ORDER BY created_at DESC, id DESC OFFSET ${max})
    RETURNING id`
  return rows.map(({ id }) => id)
}

/**
 * Finds the actor of an unexpired session and updates `last_used_at` at most once a minute. Session and user are read in
 * one statement because the user may be deleted between two.
 */
export async function findSessionActor(sessionId: string): Promise<LiveCredential | undefined> {
  if (!isUuid(sessionId)) return undefined
  const now = Date.now()
  const [row] = await prisma().$queryRaw<{ userId: number; role: Role; expiresAt: Date; lastUsedAt: Date }[]>`
    SELECT u.id AS "userId", u.role::text AS role, s.expires_at AS "expiresAt", s.last_used_at AS "lastUsedAt"
    FROM sessions s JOIN users u ON u.id = s.user_id
    WHERE s.id = ${sessionId}::uuid AND ${expiry()} > now()`
  if (row === undefined) return undefined
  const { userId, role, expiresAt, lastUsedAt } = row
  if (now - lastUsedAt.getTime() > LAST_USE_INTERVAL_MS) {
    await prisma().session.updateMany({ where: { id: sessionId }, data: { lastUsedAt: new Date(now) } })
  }
  return { actor: { credential: 'session', userId, role, sessionId }, expiresAt }
}

/**
 * Locks the caller's account and session until the end of the transaction and returns what they are now. Undefined when
 * the session is revoked or expired.
 */
export async function lockCaller(
  userId: number,
  sessionId: string,
): Promise<{ role: Role; authenticatedAt: Date } | undefined> {
  const [row] = await prisma().$queryRaw<{ role: Role; authenticatedAt: Date }[]>`
    SELECT u.role::text AS role, s.authenticated_at AS "authenticatedAt"
    FROM users u JOIN sessions s ON s.user_id = u.id
    WHERE u.id = ${userId} AND s.id = ${sessionId}::uuid AND ${expiry()} > now()
    FOR NO KEY UPDATE OF u FOR SHARE OF s`
  return row
}

/** Records that the user of a session has proved their identity, and adds how. */
export async function renewAuthentication(sessionId: string, amr: readonly AuthenticationMethod[]): Promise<void> {
  await prisma().$executeRaw`
    UPDATE sessions SET authenticated_at = clock_timestamp(),
      amr = amr || ARRAY(SELECT m FROM unnest(${amr}::text[]) AS m WHERE m <> ALL (amr))
    WHERE id = ${sessionId}::uuid`
}

/** Finds the session of a refresh token, whether the token was consumed or not. */
export async function findSessionOfToken(
  hash: Hash,
): Promise<{ id: string; userId: number; expiresAt: Date } | undefined> {
  const session = await prisma().session.findFirst({
    where: { tokens: { some: { hash } } },
    select: { id: true, userId: true, expiresAt: true },
  })
  return session ?? undefined
}

type LockedSession = { expiresAt: Date; isExpired: boolean; authenticatedAt: Date; amr: AuthenticationMethod[] }

/** Locks a session, so that concurrent refreshes and its revocation happen one after the other. */
export async function lockSession(id: string): Promise<LockedSession | undefined> {
  const [session] = await prisma().$queryRaw<(Omit<LockedSession, 'amr'> & { amr: string[] })[]>`
    SELECT s.expires_at AS "expiresAt", ${expiry()} <= clock_timestamp() AS "isExpired",
      s.authenticated_at AS "authenticatedAt", s.amr
    FROM sessions s WHERE s.id = ${id}::uuid FOR UPDATE`
  return session && { ...session, amr: session.amr.filter(isAuthenticationMethod) }
}

/** Consumes a refresh token and returns whether it was consumed before, more than `graceSeconds` ago. */
export async function consumeRefreshToken(
  hash: Hash,
  graceSeconds: number,
): Promise<{ isReused: boolean } | undefined> {
  const [use] = await prisma().$queryRaw<{ isReused: boolean }[]>`
    UPDATE refresh_tokens SET spent_at = coalesce(spent_at, clock_timestamp()) WHERE hash = ${hash}
    RETURNING spent_at < clock_timestamp() - make_interval(secs => ${graceSeconds}) AS "isReused"`
  return use
}

/** Adds a refresh token to a session, unless it has it already, and records the use of the session. */
export async function insertRefreshToken(sessionId: string, hash: Hash, { ip, userAgent }: ClientInfo): Promise<void> {
  await prisma().refreshToken.createMany({ data: [{ sessionId, hash }], skipDuplicates: true })
  await prisma().session.update({
    where: { id: sessionId },
    data: { lastUsedAt: new Date(), ip, userAgent: userAgent ?? null },
    select: { id: true },
  })
}

/** Lists the unexpired sessions of a user, the most recently used first. */
export async function listSessions(userId: number): Promise<Omit<Session, 'current'>[]> {
  const { sessionInactivityDays: days } = config()
  const usedSince = new Date(days === 0 ? 0 : Date.now() - days * DAY_MS)
  const sessions = await prisma().session.findMany({
    where: { userId, expiresAt: { gt: new Date() }, lastUsedAt: { gt: usedSince } },
    orderBy: [{ lastUsedAt: 'desc' }, { id: 'desc' }],
    select: { id: true, createdAt: true, lastUsedAt: true, expiresAt: true, userAgent: true, ip: true, amr: true },
  })
  return sessions.map((session) => ({ ...session, amr: session.amr.filter(isAuthenticationMethod) }))
}

/** Deletes a session of a user; returns false when the user has no such session. */
export async function deleteSession(userId: number, id: string): Promise<boolean> {
  return (await prisma().session.deleteMany({ where: { id, userId } })).count > 0
}

/**
 * Deletes all sessions of a user, optionally except one, and returns their number. The user's row is locked first and the
 * sessions in the order of their ids, so that neither concurrent calls nor a deletion of the user can deadlock with it.
 */
export async function deleteSessions(userId: number, except: string | null): Promise<number> {
  return prisma().$executeRaw`
    DELETE FROM sessions WHERE id IN (
      SELECT s.id FROM users u JOIN sessions s ON s.user_id = u.id
      WHERE u.id = ${userId} AND s.id IS DISTINCT FROM ${except}::uuid
      ORDER BY s.id FOR KEY SHARE OF u FOR UPDATE OF s
    )`
}

/**
 * Deletes sessions that expired more than a week ago and returns their number. Until then their refresh tokens are
 * reported as TOKEN_EXPIRED rather than INVALID_TOKEN.
 */
export async function deleteExpiredSessions(): Promise<number> {
  return prisma().$executeRaw`
    DELETE FROM sessions WHERE id IN (
      SELECT id FROM sessions WHERE expires_at < now() - interval '7 days' LIMIT ${CLEANUP_ROWS_MAX})`
}
