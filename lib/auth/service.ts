import { settings } from '@/lib/config'
import { AppError } from '@/lib/errors'
import { createUser, getUser } from '@/lib/users/service'
import type { User } from '@/lib/users/schema'
import { signAccessToken, verifyAccessToken } from './access-token'
import type { Actor } from './actor'
import { liveActor } from './live-sessions'
import { verifyPassword } from './password'
import * as repository from './repository'
import type { SignedIn } from './schema'

/** Where a request came from, as a person would recognise it in a list of their sign-ins. */
export type RequestOrigin = { ip: string; userAgent: string | undefined }

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

/** Who an access token speaks for. UNAUTHORIZED when it is not valid or its session has ended. */
export async function authenticateToken(token: string): Promise<Actor> {
  const claims = verifyAccessToken(token)
  const actor = claims && (await liveActor(claims.sessionId))
  if (actor === undefined || actor.userId !== claims?.userId) throw new AppError('UNAUTHORIZED')
  return actor
}

/** The account of whoever asks. */
export async function currentUser(actor: Actor): Promise<User> {
  return getUser(actor, actor.userId)
}
