import { auditUnknownTokens, recordEvent } from '@/lib/domains/audit/service'
import { config } from '@/lib/config'
import { AppError } from '@/lib/errors'
import { sign } from '@/lib/platform/crypto/keyring'
import { hashOpaqueToken, newOpaqueToken } from '@/lib/platform/crypto/opaque-token'
import { afterCommit, inTransaction } from '@/lib/platform/db/transaction'
import type { Actor, ClientInfo, SessionActor } from '@/lib/platform/identity/actor'
import { evictSession, evictUser, getCachedActor } from '@/lib/platform/identity/credential-cache'
import { signAccessToken, verifyAccessToken, type Authentication } from './access-token'
import * as repository from './repository'
import type { AuthenticationMethod, IssuedTokens, Session } from './schema'

/** How long a consumed refresh token still returns its successor: two tabs of one browser may refresh at the same time. */
const GRACE_SECONDS = 10

/** How long a proof of identity lasts for operations that need a recent one. */
const RECENT_MS = 15 * 60_000

function issueTokens(
  session: { userId: number; sessionId: string; expiresAt: Date },
  authentication: Authentication,
  refreshToken: string,
): IssuedTokens {
  const { userId, sessionId, expiresAt } = session
  const token = signAccessToken({ userId, sessionId }, authentication)
  return { token, expiresIn: config().accessTokenTtlSeconds, refreshToken, sessionExpiresAt: expiresAt }
}

/** Maximum number of sessions per user; another login revokes the oldest. */
const SESSIONS_MAX = 50

/**
 * Creates a session for an authenticated user. `amr` says how the user signed in; `verifiedPasswordHash` is the hash that the
 * password was checked against.
 * @throws INVALID_CREDENTIALS when the password was changed, or the account deleted, since the check
 */
export async function openSession(
  user: { id: number; amr: readonly AuthenticationMethod[]; verifiedPasswordHash?: string | undefined },
  client: ClientInfo,
): Promise<IssuedTokens> {
  const { id: userId, verifiedPasswordHash } = user
  const authentication = { amr: [...user.amr], authenticatedAt: new Date() }
  const refreshToken = newOpaqueToken()
  const expiresAt = new Date(Date.now() + config().refreshTokenTtlSeconds * 1000)
  const session = { userId, expiresAt, refreshTokenHash: hashOpaqueToken(refreshToken), ...authentication }
  const sessionId = await inTransaction(async () => {
    // Waits for a change of password in progress, which revokes all sessions that it sees, but would not see this one.
    if (verifiedPasswordHash !== undefined && (await repository.lockPasswordHash(userId)) !== verifiedPasswordHash) {
      throw new AppError('INVALID_CREDENTIALS')
    }
    const id = await repository.insertSession(session, client)
    const oldest = await repository.deleteOldestSessions(userId, SESSIONS_MAX)
    await afterCommit(() => oldest.forEach(evictSession))
    await recordEvent({ action: 'sign_in', actorId: userId, client, details: { sessionId: id, amr: user.amr } })
    return id
  })
  return issueTokens({ userId, sessionId, expiresAt }, authentication, refreshToken)
}

/**
 * Confirms, as part of the surrounding transaction, that the caller may still act, and returns their current role: the
 * actor of a request may be cached for seconds, in which another server may have revoked the session or changed the role.
 * What creates or changes credentials, roles or accounts calls it first. `recent` requires a proof of identity within the
 * last 15 minutes.
 * @throws FORBIDDEN for an API key
 * @throws UNAUTHORIZED when the session is revoked or expired
 * @throws REAUTHENTICATION_REQUIRED when the last proof of identity is too old
 */
export async function confirmActor(actor: Actor, { recent = false } = {}): Promise<SessionActor> {
  if (actor.credential !== 'session') throw new AppError('FORBIDDEN')
  const caller = await repository.lockCaller(actor.userId, actor.sessionId)
  if (caller === undefined) throw new AppError('UNAUTHORIZED')
  if (recent && Date.now() - caller.authenticatedAt.getTime() > RECENT_MS) {
    throw new AppError('REAUTHENTICATION_REQUIRED')
  }
  return { ...actor, role: caller.role }
}

/** Records, as part of the surrounding transaction, that the caller has proved their identity, and adds how. */
export async function renewAuthentication(
  { sessionId }: SessionActor,
  amr: readonly AuthenticationMethod[],
): Promise<void> {
  await repository.renewAuthentication(sessionId, amr)
}

/** Returns the actor of an access token, or undefined when the token is invalid or its session revoked or expired. */
export async function sessionActor(accessToken: string): Promise<Actor | undefined> {
  const claims = verifyAccessToken(accessToken)
  if (claims === undefined) return undefined
  const { userId, sessionId } = claims
  const actor = await getCachedActor(sessionId, () => repository.findSessionActor(sessionId))
  return actor?.userId === userId ? actor : undefined
}

/**
 * Returns the token that replaces a refresh token. It is always the same, without being stored: if two clients use one
 * token within the grace period, they share the next one too, so that a theft shows when the second of them is too late.
 */
function successorOf(refreshToken: string): string {
  return sign('refresh-token', refreshToken).toString('base64url')
}

/**
 * Rotates a refresh token. Reuse within the grace period returns the same refresh token again (two tabs); later reuse
 * revokes the session as stolen (RFC 9700, section 4.14.2). The session keeps its expiry.
 * @throws INVALID_TOKEN when the token is unknown or its session revoked
 * @throws TOKEN_EXPIRED when the session has expired
 * @throws TOKEN_REUSED when the token was consumed before the grace period
 */
export async function refreshTokens(refreshToken: string, client: ClientInfo): Promise<IssuedTokens> {
  return auditUnknownTokens({ token: 'refresh' }, client, () => rotateRefreshToken(refreshToken, client))
}

async function rotateRefreshToken(refreshToken: string, client: ClientInfo): Promise<IssuedTokens> {
  const hash = hashOpaqueToken(refreshToken)
  const successor = successorOf(refreshToken)
  const found = await repository.findSessionOfToken(hash)
  if (found === undefined) throw new AppError('INVALID_TOKEN')
  const { id: sessionId, userId } = found
  const { isReused, session } = await inTransaction(async () => {
    const session = await repository.lockSession(sessionId)
    if (session === undefined) throw new AppError('INVALID_TOKEN')
    if (session.isExpired) throw new AppError('TOKEN_EXPIRED')
    const use = await repository.consumeRefreshToken(hash, GRACE_SECONDS)
    if (use === undefined) throw new AppError('INVALID_TOKEN')
    if (use.isReused) {
      await repository.deleteSession(userId, sessionId)
      await recordEvent({ action: 'refresh_token_reused', actorId: userId, client, details: { sessionId } })
    } else {
      await repository.insertRefreshToken(sessionId, hashOpaqueToken(successor), client)
    }
    return { ...use, session }
  })
  if (isReused) {
    await evictSession(sessionId)
    throw new AppError('TOKEN_REUSED')
  }
  return issueTokens({ userId, sessionId, expiresAt: session.expiresAt }, session, successor)
}

/** Deletes a session and records the event; returns false when the user has no such session. */
async function deleteSession(userId: number, sessionId: string, client: ClientInfo): Promise<boolean> {
  return inTransaction(async () => {
    const isDeleted = await repository.deleteSession(userId, sessionId)
    if (isDeleted) await recordEvent({ action: 'session_ended', actorId: userId, client, details: { sessionId } })
    return isDeleted
  })
}

/**
 * Revokes the caller's session, and that of the refresh token, which differs when a browser holds an older cookie. A
 * consumed token is accepted.
 * @throws UNAUTHORIZED when there is neither a caller nor a token
 * @throws INVALID_TOKEN when there is no caller and the token is unknown
 * @throws TOKEN_EXPIRED when there is no caller and the token's session has expired
 */
export async function logout(
  proof: { actor: SessionActor | undefined; refreshToken: string | undefined },
  client: ClientInfo,
): Promise<void> {
  const { actor, refreshToken } = proof
  if (actor === undefined && refreshToken === undefined) throw new AppError('UNAUTHORIZED')
  const named = refreshToken && (await repository.findSessionOfToken(hashOpaqueToken(refreshToken)))
  if (actor === undefined) {
    if (!named) throw new AppError('INVALID_TOKEN')
    if (named.expiresAt <= new Date()) throw new AppError('TOKEN_EXPIRED')
  }
  // A session that was revoked concurrently may still be cached here, so it is evicted either way.
  if (actor !== undefined) {
    await deleteSession(actor.userId, actor.sessionId, client)
    await evictSession(actor.sessionId)
  }
  if (named && named.id !== actor?.sessionId) {
    await deleteSession(named.userId, named.id, client)
    await evictSession(named.id)
  }
}

/** Lists the unexpired sessions of a user, the most recently used first. */
export async function listSessionsOf(userId: number): Promise<Omit<Session, 'current'>[]> {
  return repository.listSessions(userId)
}

/** Lists the caller's sessions, the most recently used first. */
export async function listSessions(actor: SessionActor): Promise<Session[]> {
  const sessions = await repository.listSessions(actor.userId)
  return sessions.map((session) => ({ ...session, current: session.id === actor.sessionId }))
}

/**
 * Revokes one of the caller's sessions immediately.
 * @throws NOT_FOUND when the caller has no such session
 */
export async function endSession(actor: SessionActor, sessionId: string, client: ClientInfo): Promise<void> {
  if (!(await deleteSession(actor.userId, sessionId, client))) throw new AppError('NOT_FOUND')
  await evictSession(sessionId)
}

/**
 * Revokes all sessions of a user, optionally except one, as part of the surrounding transaction; returns their number.
 * The caller records the event, and calls `evictUser` after the commit.
 */
export async function revokeSessions(
  userId: number,
  { except = null }: { except?: string | null } = {},
): Promise<number> {
  return repository.deleteSessions(userId, except)
}

/** Revokes all sessions of the caller except the current one, immediately. */
export async function endOtherSessions({ userId, sessionId }: SessionActor, client: ClientInfo): Promise<void> {
  await inTransaction(async () => {
    const count = await repository.deleteSessions(userId, sessionId)
    if (count > 0) await recordEvent({ action: 'session_ended', actorId: userId, client, details: { others: count } })
  })
  await evictUser(userId)
}
