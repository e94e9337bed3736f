import { apiKeyActor, looksLikeApiKey } from '@/lib/api-keys/service'
import { settings } from '@/lib/config'
import { AppError } from '@/lib/errors'
import { createUser, getUser } from '@/lib/users/service'
import type { User } from '@/lib/users/schema'
import { signAccessToken, verifyAccessToken } from './access-token'
import type { Actor, RequestOrigin } from './actor'
import { forgetUser, liveActor } from './live-sessions'
import { verifyPassword } from './password'
import * as repository from './repository'
import type { SignedIn } from './schema'

async function openSession(user: User, origin: RequestOrigin): Promise<SignedIn> {
  const sessionId = await repository.insertSession({
    userId: user.id,
    userAgent: origin.userAgent ?? null,
    ip: origin.ip,
    expiresAt: new Date(Date.now() + settings().refreshTokenTtlSeconds * 1000),
  })
  const token = signAccessToken({ userId: user.id, sessionId })
  return { user, token, expiresIn: settings().accessTokenTtlSeconds }
}

/** Makes an account and signs it in. EMAIL_EXISTS; FORBIDDEN or UNAUTHORIZED unless `OPEN_SIGNUP`. */
export async function register(
  input: { email: string; password: string; name?: string | null },
  origin: RequestOrigin,
): Promise<SignedIn> {
  return openSession(await createUser(undefined, input), origin)
}

/** Signs in. INVALID_CREDENTIALS, after the same work whether the address or the password is wrong. */
export async function login(input: { email: string; password: string }, origin: RequestOrigin): Promise<SignedIn> {
  const found = await repository.findCredentials(input.email)
  const fits = await verifyPassword(input.password, found?.hash)
  if (found === undefined || !fits) throw new AppError('INVALID_CREDENTIALS')
  return openSession(found.user, origin)
}

/**
 * Who a bearer token speaks for: an access token or an API key. UNAUTHORIZED when it is not valid, or when its session,
 * its account or the key itself has ended.
 */
export async function authenticateToken(token: string): Promise<Actor> {
  const actor = await (looksLikeApiKey(token) ? apiKeyActor(token) : sessionActor(token))
  if (actor === undefined) throw new AppError('UNAUTHORIZED')
  return actor
}

async function sessionActor(token: string): Promise<Actor | undefined> {
  const claims = verifyAccessToken(token)
  if (claims === undefined) return undefined
  const { userId, sessionId } = claims
  const actor = await liveActor(sessionId, () => repository.findSessionActor(sessionId))
  return actor?.userId === userId ? actor : undefined
}

/**
 * Ends every session of a user at once. Where that is a part of a greater change, its repository calls `deleteSessions`
 * with its transaction, and its service `forgetUser` after the commit.
 */
export async function endAllSessions(userId: number): Promise<void> {
  await repository.deleteSessions(userId)
  forgetUser(userId)
}

/** The account of whoever asks. */
export async function currentUser(actor: Actor): Promise<User> {
  return getUser(actor, actor.userId)
}
