import { apiKeyActor, looksLikeApiKey } from '@/lib/domains/auth/api-keys/service'
import { recordEvent } from '@/lib/domains/audit/service'
import { AppError } from '@/lib/errors'
import type { IssuedTokens } from '@/lib/domains/auth/sessions/schema'
import { openSession, sessionActor } from '@/lib/domains/auth/sessions/service'
import type { User } from '@/lib/domains/users/schema'
import { createUser, getUser } from '@/lib/domains/users/service'
import { verifyAccessToken } from './access-token'
import type { Actor, ClientInfo, SessionActor } from '@/lib/platform/identity/actor'
import { evictUser } from '@/lib/platform/identity/credential-cache'
import { hashPassword, verifyPassword } from '@/lib/platform/crypto/password'
import * as repository from './repository'

/** An account and the tokens of a session of it. */
export type SignedIn = { user: User; tokens: IssuedTokens }

/** Makes an account and signs it in. EMAIL_EXISTS; FORBIDDEN or UNAUTHORIZED unless `OPEN_SIGNUP`. */
export async function register(
  input: { email: string; password: string; name?: string | null },
  origin: ClientInfo,
): Promise<SignedIn> {
  const user = await createUser(undefined, input)
  return { user, tokens: await openSession(user, origin) }
}

/** Signs in. INVALID_CREDENTIALS, after the same work whether the address or the password is wrong. */
export async function login(input: { email: string; password: string }, origin: ClientInfo): Promise<SignedIn> {
  const found = await repository.findCredentials(input.email)
  const fits = await verifyPassword(input.password, found?.hash)
  if (found === undefined || !fits) {
    const details = { email: input.email }
    await recordEvent({ action: 'sign_in_failed', actorId: found?.user.id ?? null, origin, details })
    throw new AppError('INVALID_CREDENTIALS')
  }
  const { user, hash: verifiedPasswordHash } = found
  return { user, tokens: await openSession({ id: user.id, verifiedPasswordHash }, origin) }
}

/**
 * Who a bearer token speaks for: an access token or an API key. UNAUTHORIZED when it is not valid, or when its session,
 * its account or the key itself has ended.
 */
export async function authenticateToken(token: string): Promise<Actor> {
  const actor = await (looksLikeApiKey(token) ? apiKeyActor(token) : accessTokenActor(token))
  if (actor === undefined) throw new AppError('UNAUTHORIZED')
  return actor
}

async function accessTokenActor(token: string): Promise<Actor | undefined> {
  const claims = verifyAccessToken(token)
  const actor = claims && (await sessionActor(claims.sessionId))
  return actor?.userId === claims?.userId ? actor : undefined
}

/**
 * Changes the caller's password and ends their other sessions at once. INVALID_CREDENTIALS when the current password is
 * wrong, or changes at the same time.
 */
export async function changePassword(
  actor: SessionActor,
  input: { currentPassword: string; newPassword: string },
  origin: ClientInfo,
): Promise<void> {
  const proven = await repository.findPasswordHash(actor.userId)
  const fits = await verifyPassword(input.currentPassword, proven)
  if (proven === undefined || !fits) {
    throw new AppError('INVALID_CREDENTIALS', { message: 'The current password is wrong.' })
  }
  const next = await hashPassword(input.newPassword)
  await repository.replacePassword(actor, { proven, next }, origin)
  evictUser(actor.userId)
}

/** The account of whoever asks. */
export async function currentUser(actor: Actor): Promise<User> {
  return getUser(actor, actor.userId)
}
