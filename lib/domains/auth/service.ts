import { recordEvent } from '@/lib/domains/audit/service'
import { revokeApiKeys } from '@/lib/domains/auth/api-keys/service'
import { cancelEmailChange } from '@/lib/domains/auth/recovery/service'
import type { IssuedTokens } from '@/lib/domains/auth/sessions/schema'
import { confirmActor, openSession, renewAuthentication, revokeSessions } from '@/lib/domains/auth/sessions/service'
import type { User } from '@/lib/domains/users/schema'
import { getUser } from '@/lib/domains/users/service'
import { AppError } from '@/lib/errors'
import { hashPassword, isOutdatedHash, verifyPassword } from '@/lib/platform/crypto/password'
import { inTransaction } from '@/lib/platform/db/transaction'
import type { Actor, ClientInfo, SessionActor } from '@/lib/platform/identity/actor'
import { assertNotPersonal } from '@/lib/platform/identity/password-rules'
import { evictUser } from '@/lib/platform/identity/credential-cache'
import { enqueueMail } from '@/lib/platform/mail/enqueue-mail'
import * as repository from './repository'

/** Returns the hash of a verified password, after renewing it if `BCRYPT_COST` has changed. */
async function currentHash(
  userId: number,
  hash: string | undefined,
  { password, ip }: { password: string; ip: string },
): Promise<string | undefined> {
  if (hash === undefined || !isOutdatedHash(hash)) return hash
  const renewed = await hashPassword(password, ip)
  return (await repository.renewHash(userId, hash, renewed)) ? renewed : hash
}

/**
 * Signs a user in.
 * @throws INVALID_CREDENTIALS after the same work whether the address or the password is wrong
 */
export async function login(
  input: { email: string; password: string },
  client: ClientInfo,
): Promise<{ user: User; tokens: IssuedTokens }> {
  const found = await repository.findCredentials(input.email)
  const isCorrect = await verifyPassword(input.password, found?.hash, client.ip)
  if (found === undefined || !isCorrect) {
    const details = { email: input.email }
    await recordEvent({ action: 'sign_in_failed', actorId: found?.user.id ?? null, client, details })
    throw new AppError('INVALID_CREDENTIALS')
  }
  const { user } = found
  const verifiedPasswordHash = await currentHash(user.id, found.hash, { password: input.password, ip: client.ip })
  return { user, tokens: await openSession({ id: user.id, amr: ['pwd'], verifiedPasswordHash }, client) }
}

/**
 * Changes the caller's password and revokes their other sessions and, unless `keepApiKeys` is set, their API keys
 * immediately. The user is notified by e-mail.
 * @throws INVALID_CREDENTIALS when the current password is wrong or is changed concurrently
 * @throws VALIDATION_ERROR when the new password is the e-mail address or the name
 * @throws UNAUTHORIZED when the session is revoked concurrently
 */
export async function changePassword(
  actor: SessionActor,
  input: { currentPassword: string; newPassword: string; keepApiKeys: boolean },
  client: ClientInfo,
): Promise<void> {
  const { userId, sessionId } = actor
  const current = await repository.findPassword(userId)
  const isCorrect = await verifyPassword(input.currentPassword, current?.hash, client.ip)
  if (current === undefined || !isCorrect) {
    await recordEvent({ action: 'password_change_failed', actorId: userId, client })
    throw new AppError('INVALID_CREDENTIALS', { message: 'The current password is wrong.' })
  }
  assertNotPersonal(input.newPassword, current, 'newPassword')
  const hash = await hashPassword(input.newPassword, client.ip)
  await inTransaction(async () => {
    await confirmActor(actor)
    if (!(await repository.replacePassword(userId, current.hash, hash))) throw new AppError('INVALID_CREDENTIALS')
    await renewAuthentication(actor, ['pwd'])
    await revokeSessions(userId, { except: sessionId })
    await cancelEmailChange(userId)
    if (!input.keepApiKeys) await revokeApiKeys(userId, client)
    await recordEvent({ action: 'password_changed', actorId: userId, client })
    await enqueueMail({ to: current.email, content: { template: 'password-changed' } })
  })
  await evictUser(userId)
}

/**
 * Renews the session's proof of identity, which some operations need from the last 15 minutes.
 * @throws INVALID_CREDENTIALS when the password is wrong or is changed concurrently
 * @throws UNAUTHORIZED when the session is revoked concurrently
 */
export async function reauthenticate(
  actor: SessionActor,
  { password }: { password: string },
  client: ClientInfo,
): Promise<void> {
  const { userId } = actor
  const current = await repository.findPassword(userId)
  const isCorrect = await verifyPassword(password, current?.hash, client.ip)
  if (current === undefined || !isCorrect) {
    await recordEvent({ action: 'reauthentication_failed', actorId: userId, client })
    throw new AppError('INVALID_CREDENTIALS', { message: 'The password is wrong.' })
  }
  await inTransaction(async () => {
    await confirmActor(actor)
    // The account is locked, so the password cannot change until the commit.
    if ((await repository.findPassword(userId))?.hash !== current.hash) throw new AppError('INVALID_CREDENTIALS')
    await renewAuthentication(actor, ['pwd'])
    await recordEvent({ action: 'reauthenticated', actorId: userId, client })
  })
}

/** Returns the caller's account. */
export async function currentUser(actor: Actor): Promise<User> {
  return getUser(actor, actor.userId)
}
