import { insertAuditEvent } from '@/lib/domains/audit/repository'
import type { ClientInfo, SessionActor } from '@/lib/platform/identity/actor'
import type { LiveCredential } from '@/lib/platform/identity/credential-cache'
import { isMissingRow } from '@/lib/platform/db/errors'
import { AppError } from '@/lib/errors'
import { prisma } from '@/lib/platform/db/prisma'
import type { Role } from '@/lib/platform/identity/schema'
import { isUuid } from '@/lib/validation'
import { inTransaction } from '@/lib/platform/db/transaction'
import type { Session } from './schema'

/** How old `last_used_at` may be before a use is written down again (milliseconds): to the minute is enough. */
const LAST_USE_INTERVAL_MS = 60_000

/** A SHA-256, see `hashOpaqueToken`. */
type Hash = Uint8Array<ArrayBuffer>

type NewSession = {
  userId: number
  refreshTokenHash: Hash
  expiresAt: Date
  /** The password hash that the sign-in was checked against, where it was by password. */
  verifiedPasswordHash: string | undefined
}

/**
 * Opens a session and keeps the event. INVALID_CREDENTIALS when the password was changed, or the account deleted, since
 * it was checked: the lock makes the sign-in wait for a change under way, which would else end all sessions but this.
 */
export async function insertSession(session: NewSession, origin: ClientInfo): Promise<string> {
  const { userId, refreshTokenHash, expiresAt, verifiedPasswordHash } = session
  try {
    return await inTransaction(async (transaction) => {
      if (verifiedPasswordHash !== undefined) {
        // The user's row comes first, in the order in which a deletion takes them, so that the two cannot deadlock.
        const [password] = await transaction.$queryRaw<{ hash: string }[]>`
          SELECT p.hash FROM users u JOIN passwords p ON p.user_id = u.id WHERE u.id = ${userId}
          FOR KEY SHARE OF u FOR SHARE OF p`
        if (password?.hash !== verifiedPasswordHash) throw new AppError('INVALID_CREDENTIALS')
      }
      const { id } = await transaction.session.create({
        data: {
          userId,
          expiresAt,
          ip: origin.ip,
          userAgent: origin.userAgent ?? null,
          tokens: { create: { hash: refreshTokenHash } },
        },
        select: { id: true },
      })
      await insertAuditEvent({ action: 'sign_in', actorId: userId, origin, details: { sessionId: id } })
      return id
    })
  } catch (error) {
    if (isMissingRow(error)) throw new AppError('INVALID_CREDENTIALS', { cause: error })
    throw error
  }
}

/**
 * Who signed in with a session that has not expired; that it was used is written down now and then. One statement: the
 * client would read session and user in two, and the user may be deleted in between.
 */
export async function findSessionActor(sessionId: string): Promise<LiveCredential | undefined> {
  if (!isUuid(sessionId)) return undefined
  const now = Date.now()
  const [row] = await prisma().$queryRaw<{ userId: number; role: Role; expiresAt: Date; lastUsedAt: Date }[]>`
    SELECT u.id AS "userId", u.role::text AS role, s.expires_at AS "expiresAt", s.last_used_at AS "lastUsedAt"
    FROM sessions s JOIN users u ON u.id = s.user_id
    WHERE s.id = ${sessionId}::uuid AND s.expires_at > now()`
  if (row === undefined) return undefined
  const { userId, role, expiresAt, lastUsedAt } = row
  if (now - lastUsedAt.getTime() > LAST_USE_INTERVAL_MS) {
    await prisma().session.updateMany({ where: { id: sessionId }, data: { lastUsedAt: new Date(now) } })
  }
  return { actor: { credential: 'session', userId, role, sessionId }, expiresAt }
}

/** The session that a refresh token belongs to, whether it was spent or not. */
export async function findSessionOfToken(
  hash: Hash,
): Promise<{ id: string; userId: number; expiresAt: Date } | undefined> {
  const session = await prisma().session.findFirst({
    where: { tokens: { some: { hash } } },
    select: { id: true, userId: true, expiresAt: true },
  })
  return session ?? undefined
}

/** What came of a refresh token: a successor in its session, or the end of that session. */
type Rotation = { sessionId: string; userId: number; outcome: 'rotated' | 'reused'; sessionExpiresAt: Date }

/**
 * Spends a refresh token and keeps its successor, or, where it was spent more than `graceSeconds` ago, ends its session
 * (RFC 9700, section 4.14.2). Within the grace every use makes a successor of its own: each is as good as the others and
 * is spent by its own first use. The lock on the session puts uses at the same time, and the session's end, in an order.
 * INVALID_TOKEN, TOKEN_EXPIRED.
 */
export async function rotateRefreshToken(
  hash: Hash,
  successor: Hash,
  { graceSeconds, origin }: { graceSeconds: number; origin: ClientInfo },
): Promise<Rotation> {
  const found = await findSessionOfToken(hash)
  if (found === undefined) throw new AppError('INVALID_TOKEN')
  const { id: sessionId, userId } = found
  return inTransaction(async (transaction) => {
    const [session] = await transaction.$queryRaw<{ expiresAt: Date; isExpired: boolean }[]>`
      SELECT expires_at AS "expiresAt", expires_at <= clock_timestamp() AS "isExpired"
      FROM sessions WHERE id = ${sessionId}::uuid FOR UPDATE`
    if (session === undefined) throw new AppError('INVALID_TOKEN')
    if (session.isExpired) throw new AppError('TOKEN_EXPIRED')
    const rotation = { sessionId, userId, sessionExpiresAt: session.expiresAt }
    const [use] = await transaction.$queryRaw<{ isReused: boolean }[]>`
      UPDATE refresh_tokens SET spent_at = coalesce(spent_at, clock_timestamp()) WHERE hash = ${hash}
      RETURNING spent_at < clock_timestamp() - make_interval(secs => ${graceSeconds}) AS "isReused"`
    if (use === undefined) throw new AppError('INVALID_TOKEN')
    if (use.isReused) {
      await transaction.session.delete({ where: { id: sessionId }, select: { id: true } })
      const event = { action: 'refresh_token_reused', actorId: userId, origin, details: { sessionId } } as const
      await insertAuditEvent(event)
      return { ...rotation, outcome: 'reused' }
    }
    await transaction.session.update({
      where: { id: sessionId },
      data: {
        lastUsedAt: new Date(),
        ip: origin.ip,
        userAgent: origin.userAgent ?? null,
        tokens: { create: { hash: successor } },
      },
      select: { id: true },
    })
    return { ...rotation, outcome: 'rotated' }
  })
}

/** The sessions of a user that have not expired, the last used first. */
export async function listSessions(userId: number): Promise<Omit<Session, 'current'>[]> {
  return prisma().session.findMany({
    where: { userId, expiresAt: { gt: new Date() } },
    orderBy: [{ lastUsedAt: 'desc' }, { id: 'desc' }],
    select: { id: true, createdAt: true, lastUsedAt: true, expiresAt: true, userAgent: true, ip: true },
  })
}

/** Ends a session of this user and keeps the event; NOT_FOUND when they have no such session. */
export async function deleteSession(userId: number, id: string, origin: ClientInfo): Promise<void> {
  await inTransaction(async (transaction) => {
    const { count } = await transaction.session.deleteMany({ where: { id, userId } })
    if (count === 0) throw new AppError('NOT_FOUND')
    const event = { action: 'session_ended', actorId: userId, origin, details: { sessionId: id } } as const
    await insertAuditEvent(event)
  })
}

/**
 * Ends every session of a user, or every other than `except`; how many. As a part of a transaction where one is given;
 * its service calls `evictUser` after the commit. The user's row is locked first and the sessions in one order, so that
 * neither two who do this at once nor a deletion of the user can deadlock with it.
 */
export async function deleteSessions(
  userId: number,
  { except = null }: { except?: string | null } = {},
): Promise<number> {
  return prisma().$executeRaw`
    DELETE FROM sessions WHERE id IN (
      SELECT s.id FROM users u JOIN sessions s ON s.user_id = u.id
      WHERE u.id = ${userId} AND s.id IS DISTINCT FROM ${except}::uuid
      ORDER BY s.id FOR KEY SHARE OF u FOR UPDATE OF s
    )`
}

/** Ends every session of the caller but the one that asks, and keeps the event if there were any. */
export async function deleteOtherSessions({ userId, sessionId }: SessionActor, origin: ClientInfo): Promise<void> {
  await inTransaction(async () => {
    const count = await deleteSessions(userId, { except: sessionId })
    const event = { action: 'session_ended', actorId: userId, origin, details: { others: count } } as const
    if (count > 0) await insertAuditEvent(event)
  })
}
