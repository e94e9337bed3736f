import { signAccessToken } from '@/lib/domains/auth/access-token'
import type { Actor, ClientInfo, SessionActor } from '@/lib/platform/identity/actor'
import { evictSession, evictUser, getCachedActor } from '@/lib/platform/identity/credential-cache'
import { hashOpaqueToken, newOpaqueToken } from '@/lib/platform/crypto/opaque-token'
import { config } from '@/lib/config'
import { AppError, isAppError } from '@/lib/errors'
import * as repository from './repository'
import type { IssuedTokens, Session } from './schema'

/** How long a spent refresh token still gets a pair: two tabs of one browser may use it at the same time. */
const GRACE_SECONDS = 10

function issue(session: { userId: number; sessionId: string; expiresAt: Date }, refreshToken: string): IssuedTokens {
  const { userId, sessionId, expiresAt } = session
  const token = signAccessToken({ userId, sessionId })
  return { token, expiresIn: config().accessTokenTtlSeconds, refreshToken, sessionExpiresAt: expiresAt }
}

/**
 * Opens a session for somebody who proved who they are; `verifiedPasswordHash` is the password hash that they proved it against.
 * INVALID_CREDENTIALS when that is not their password any more.
 */
export async function openSession(
  user: { id: number; verifiedPasswordHash?: string | undefined },
  origin: ClientInfo,
): Promise<IssuedTokens> {
  const refreshToken = newOpaqueToken()
  const expiresAt = new Date(Date.now() + config().refreshTokenTtlSeconds * 1000)
  const refreshTokenHash = hashOpaqueToken(refreshToken)
  const opening = { userId: user.id, refreshTokenHash, expiresAt, verifiedPasswordHash: user.verifiedPasswordHash }
  const sessionId = await repository.insertSession(opening, origin)
  return issue({ userId: user.id, sessionId, expiresAt }, refreshToken)
}

/** Who signed in with a session, or undefined when it has ended, expired or was never one. */
export async function sessionActor(sessionId: string): Promise<Actor | undefined> {
  return getCachedActor(sessionId, () => repository.findSessionActor(sessionId))
}

/**
 * A new pair of the same session for a refresh token, which is spent by this. Again within ten seconds it gets another
 * pair; later the session ends, since one of the two who know the token stole it. The session's end stays where it was:
 * a sign-in lasts for `REFRESH_TOKEN_TTL_SECONDS`. INVALID_TOKEN, TOKEN_EXPIRED, TOKEN_REUSED.
 */
export async function refreshTokens(refreshToken: string, origin: ClientInfo): Promise<IssuedTokens> {
  const successor = newOpaqueToken()
  const rotation = await repository.rotateRefreshToken(hashOpaqueToken(refreshToken), hashOpaqueToken(successor), {
    graceSeconds: GRACE_SECONDS,
    origin,
  })
  const { userId, sessionId, sessionExpiresAt: expiresAt } = rotation
  if (rotation.outcome === 'reused') {
    evictSession(sessionId)
    throw new AppError('TOKEN_REUSED')
  }
  return issue({ userId, sessionId, expiresAt }, successor)
}

/** Ends a session, which somebody else may have done at the same time. */
async function endIfOpen(userId: number, sessionId: string, origin: ClientInfo): Promise<void> {
  try {
    await repository.deleteSession(userId, sessionId, origin)
  } catch (error) {
    if (!isAppError(error) || error.code !== 'NOT_FOUND') throw error
  }
  evictSession(sessionId)
}

/**
 * Signs out: ends the session of the caller, and that of the refresh token, which is the same one unless a browser holds
 * an older cookie. A spent token will do. Without a caller the token has to be good: INVALID_TOKEN, TOKEN_EXPIRED.
 */
export async function logout(
  proof: { actor: SessionActor | undefined; refreshToken: string | undefined },
  origin: ClientInfo,
): Promise<void> {
  const { actor, refreshToken } = proof
  if (actor === undefined && refreshToken === undefined) throw new AppError('UNAUTHORIZED')
  const named = refreshToken && (await repository.findSessionOfToken(hashOpaqueToken(refreshToken)))
  if (actor === undefined) {
    if (!named) throw new AppError('INVALID_TOKEN')
    if (named.expiresAt <= new Date()) throw new AppError('TOKEN_EXPIRED')
  }
  if (actor !== undefined) await endIfOpen(actor.userId, actor.sessionId, origin)
  if (named && named.id !== actor?.sessionId) await endIfOpen(named.userId, named.id, origin)
}

/** The caller's sessions, the last used first. */
export async function listSessions(actor: SessionActor): Promise<Session[]> {
  const sessions = await repository.listSessions(actor.userId)
  return sessions.map((session) => ({ ...session, current: session.id === actor.sessionId }))
}

/** Ends one of the caller's sessions, at once. NOT_FOUND. */
export async function endSession(actor: SessionActor, sessionId: string, origin: ClientInfo): Promise<void> {
  await repository.deleteSession(actor.userId, sessionId, origin)
  evictSession(sessionId)
}

/** Ends all of the caller's sessions but the one that asks, at once. */
export async function endOtherSessions(actor: SessionActor, origin: ClientInfo): Promise<void> {
  await repository.deleteOtherSessions(actor, origin)
  evictUser(actor.userId)
}
