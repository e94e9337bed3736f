import { randomUUID } from 'node:crypto'
import { auditUnknownTokens, recordEvent } from '@/lib/domains/audit/service'
import { revokeApiKeys } from '@/lib/domains/auth/api-keys/service'
import { revokeSessions } from '@/lib/domains/auth/sessions/service'
import { recordUserUpdate } from '@/lib/domains/users/service'
import { config } from '@/lib/config'
import { AppError } from '@/lib/errors'
import { encrypt } from '@/lib/platform/crypto/encrypt'
import { hashOpaqueToken, newOpaqueToken } from '@/lib/platform/crypto/opaque-token'
import { hashPassword } from '@/lib/platform/crypto/password'
import { inTransaction } from '@/lib/platform/db/transaction'
import { assertNotPersonal } from '@/lib/platform/identity/password-rules'
import type { ClientInfo, SessionActor } from '@/lib/platform/identity/actor'
import { evictUser } from '@/lib/platform/identity/credential-cache'
import { enqueueMail } from '@/lib/platform/mail/enqueue-mail'
import { enqueue } from '@/lib/platform/queue/enqueue'
import * as repository from './repository'
import type { PasswordResetJob } from '@/lib/platform/queue/schema'
import type { PasswordReset } from './schema'

/** Caps e-mails per account so that an attacker cannot flood an inbox, regardless of the source IP. */
const MAILS_PER_HOUR_MAX = 5
const HOUR_MS = 3_600_000

/** How long the previous e-mail address can revert a change. */
const REVERT_TTL_SECONDS = 7 * 86_400

type Purpose = 'reset_password' | 'verify_email' | 'revert_email'

const TEMPLATES = {
  reset_password: 'reset-password',
  verify_email: 'verify-email',
  revert_email: 'revert-email',
} as const satisfies Record<Purpose, string>

function ttlSecondsOf(purpose: Purpose): number {
  const { resetTokenTtlSeconds, verifyTokenTtlSeconds } = config()
  const ttls = {
    reset_password: resetTokenTtlSeconds,
    verify_email: verifyTokenTtlSeconds,
    revert_email: REVERT_TTL_SECONDS,
  }
  return ttls[purpose]
}

type ActiveToken = { userId: number; email: string; passwordUpdatedAt: Date | null; createdAt: Date }

/**
 * Creates an e-mail token and enqueues the e-mail with it, as part of the surrounding transaction, which must have locked
 * the user so that concurrent requests are counted. Returns false, and does nothing, when the account has reached its
 * hourly limit or when the e-mail with this `messageId` is already enqueued.
 *
 * Only the hash of the token is stored. The queue holds it encrypted, since every attempt must send the same token.
 */
export async function issueEmailToken(
  purpose: Purpose,
  { id: userId, email }: { id: number; email: string },
  messageId: string = randomUUID(),
): Promise<boolean> {
  const recent = await repository.countEmailTokens(userId, purpose, new Date(Date.now() - HOUR_MS))
  if (recent >= MAILS_PER_HOUR_MAX) return false
  const expiresAt = new Date(Date.now() + ttlSecondsOf(purpose) * 1000)
  const passwordUpdatedAt = await repository.findPasswordUpdatedAt(userId)
  const token = newOpaqueToken()
  const row = { hash: hashOpaqueToken(token), purpose, userId, email, messageId, expiresAt, passwordUpdatedAt }
  if (!(await repository.insertEmailToken(row))) return false
  const content = { template: TEMPLATES[purpose], encryptedToken: encrypt('queued-token', token) } as const
  await enqueueMail({ to: email, content, expiresAt, messageId })
  return true
}

/**
 * Notifies the previous e-mail address of a change, as part of the surrounding transaction, with a link that reverts it for
 * 7 days. An address that was not verified gets no link: it may be that of another person.
 */
export async function notifyPreviousAddress(
  userId: number,
  previous: { email: string; isVerified: boolean },
): Promise<void> {
  const { email, isVerified } = previous
  if (isVerified) await issueEmailToken('revert_email', { id: userId, email })
  else await enqueueMail({ to: email, content: { template: 'email-changed' } })
}

/** Cancels a pending change of a user's e-mail address, as part of the surrounding transaction. */
export async function cancelEmailChange(userId: number): Promise<void> {
  if (await repository.clearPendingEmail(userId)) await recordUserUpdate(userId, userId)
}

/** Revokes the e-mailed links of a user, as part of the surrounding transaction. */
export async function revokeEmailTokens(userId: number): Promise<void> {
  await repository.deleteEmailTokens(userId)
}

/** Enqueues a password-reset request whether or not the account exists, so that timing reveals nothing. */
export async function forgotPassword(email: string, { ip, requestId }: ClientInfo): Promise<void> {
  await enqueue('issue-password-reset', { email, messageId: randomUUID(), client: { ip, requestId } })
}

/** Runs an `issue-password-reset` job: if the address belongs to an account, enqueues the e-mail and records the event. */
export async function issuePasswordReset({ email, messageId, client }: PasswordResetJob): Promise<void> {
  await inTransaction(async () => {
    const userId = await repository.lockUserByEmail(email)
    if (userId === undefined) return
    if (!(await issueEmailToken('reset_password', { id: userId, email }, messageId))) return
    const event = { action: 'password_reset_requested', actorId: userId } as const
    await recordEvent({ ...event, client: { userAgent: undefined, ...client } })
  })
}

/**
 * Enqueues an e-mail with a link to verify the caller's address, unless it is verified or the hourly limit is reached.
 * @throws UNAUTHORIZED when the account was deleted
 */
export async function sendVerificationEmail({ userId }: SessionActor): Promise<void> {
  await inTransaction(async () => {
    const user = await repository.lockUser(userId)
    if (user === undefined) throw new AppError('UNAUTHORIZED')
    if (!user.isVerified) await issueEmailToken('verify_email', { id: userId, email: user.email })
  })
}

async function findActiveToken(purpose: Purpose, hash: Uint8Array<ArrayBuffer>): Promise<ActiveToken> {
  const token = await repository.findEmailToken(purpose, hash)
  if (token === null) throw new AppError('INVALID_TOKEN')
  if (token.usedAt !== null) throw new AppError('TOKEN_REUSED')
  if (token.expiresAt.getTime() <= Date.now()) throw new AppError('TOKEN_EXPIRED')
  return token
}

/**
 * Consumes a token, which also verifies its address. The update of the user's row makes concurrent requests wait for the
 * commit of the first one.
 */
async function consumeToken(purpose: Purpose, hash: Uint8Array<ArrayBuffer>): Promise<ActiveToken> {
  const token = await findActiveToken(purpose, hash)
  if (!(await repository.markEmailVerified(token))) throw new AppError('INVALID_TOKEN')
  if (!(await repository.markTokenUsed(hash))) throw new AppError('TOKEN_REUSED')
  return token
}

/**
 * Sets a new password with an e-mailed token and revokes all sessions and API keys.
 * @throws INVALID_TOKEN when the token is unknown, or the address or the password changed since it was issued
 * @throws TOKEN_REUSED when the token was used
 * @throws TOKEN_EXPIRED when the token has expired
 * @throws VALIDATION_ERROR when the password is the e-mail address or the name; the token stays valid
 */
export async function resetPassword(reset: PasswordReset, client: ClientInfo): Promise<void> {
  await auditUnknownTokens({ token: 'reset_password' }, client, () => setPasswordByToken(reset, client))
}

async function setPasswordByToken({ token, password }: PasswordReset, client: ClientInfo): Promise<void> {
  const hash = hashOpaqueToken(token)
  // Rejects invented tokens before the expensive hash.
  const { userId: ownerId, email: address } = await findActiveToken('reset_password', hash)
  assertNotPersonal(password, { email: address, name: await repository.findName(ownerId) })
  const passwordHash = await hashPassword(password, client.ip)
  const userId = await inTransaction(async () => {
    const { userId: id, email, passwordUpdatedAt } = await consumeToken('reset_password', hash)
    if (!(await repository.setPassword(id, passwordHash, passwordUpdatedAt))) throw new AppError('INVALID_TOKEN')
    await revokeSessions(id)
    await revokeApiKeys(id, client)
    await cancelEmailChange(id)
    await recordEvent({ action: 'password_reset', actorId: id, client })
    await recordUserUpdate(id, id)
    await enqueueMail({ to: email, content: { template: 'password-changed' } })
    return id
  })
  await evictUser(userId)
}

/**
 * Verifies an e-mail address with an e-mailed token. A pending address becomes that of the account, and the previous one is
 * notified.
 * @throws INVALID_TOKEN when the token is unknown, the account has another address or another account has the pending one
 * @throws TOKEN_REUSED when the token was used
 * @throws TOKEN_EXPIRED when the token has expired
 */
export async function verifyEmail(token: string, client: ClientInfo): Promise<void> {
  await auditUnknownTokens({ token: 'verify_email' }, client, () => verifyEmailByToken(token, client))
}

async function verifyEmailByToken(token: string, client: ClientInfo): Promise<void> {
  const hash = hashOpaqueToken(token)
  await inTransaction(async () => {
    const { userId, email } = await findActiveToken('verify_email', hash)
    const previous = await repository.applyPendingEmail(userId, email)
    // Compares the address with that of the token, so it also succeeds after the change above.
    await consumeToken('verify_email', hash)
    if (previous !== undefined) {
      await notifyPreviousAddress(userId, previous)
      const details = { userId, previousEmail: previous.email, email }
      await recordEvent({ action: 'email_changed', actorId: userId, client, details })
    }
    await recordEvent({ action: 'email_verified', actorId: userId, client })
    await recordUserUpdate(userId, userId)
  })
}

/**
 * Restores the previous e-mail address of an account with the token mailed to it, and revokes all sessions, API keys and
 * later links. A password that was changed since is revoked too, since the person who changed the address may have set it.
 * @throws INVALID_TOKEN when the token is unknown or revoked, or another account has the address
 * @throws TOKEN_REUSED when the token was used
 * @throws TOKEN_EXPIRED when the token has expired
 */
export async function revertEmail(token: string, client: ClientInfo): Promise<void> {
  await auditUnknownTokens({ token: 'revert_email' }, client, () => revertEmailByToken(token, client))
}

async function revertEmailByToken(token: string, client: ClientInfo): Promise<void> {
  const hash = hashOpaqueToken(token)
  const revertedId = await inTransaction(async () => {
    const { userId, email, createdAt, passwordUpdatedAt } = await findActiveToken('revert_email', hash)
    await repository.setVerifiedEmail(userId, email)
    if (!(await repository.markTokenUsed(hash))) throw new AppError('TOKEN_REUSED')
    await repository.deletePasswordChangedSince(userId, passwordUpdatedAt)
    await revokeSessions(userId)
    await revokeApiKeys(userId, client)
    await repository.deleteEmailTokensAfter(userId, createdAt)
    await recordEvent({ action: 'email_reverted', actorId: userId, client, details: { userId, email } })
    await recordUserUpdate(userId, userId)
    return userId
  })
  await evictUser(revertedId)
}
