import { randomUUID } from 'node:crypto'
import type { ClientInfo, SessionActor } from '@/lib/platform/identity/actor'
import { evictUser } from '@/lib/platform/identity/credential-cache'
import { hashPassword } from '@/lib/platform/crypto/password'
import { hashOpaqueToken } from '@/lib/platform/crypto/opaque-token'
import * as repository from './repository'
import type { PasswordResetJob } from '@/lib/platform/queue/schema'
import type { PasswordReset } from './schema'

/**
 * Asks for a mail with a link to set a new password. Whether the address belongs to anybody is found out by a job
 * later, so that neither the answer nor its time tells.
 */
export async function forgotPassword(email: string, { ip, requestId }: ClientInfo): Promise<void> {
  await repository.enqueuePasswordReset({ email, messageId: randomUUID(), origin: { ip, requestId } })
}

/** The work of an `issue-password-reset` job. */
export async function issuePasswordReset(wish: PasswordResetJob): Promise<void> {
  await repository.issuePasswordReset(wish)
}

/** Sets a new password with the token of a mail; every session ends. INVALID_TOKEN, TOKEN_REUSED, TOKEN_EXPIRED. */
export async function resetPassword({ token, password }: PasswordReset, origin: ClientInfo): Promise<void> {
  const hash = hashOpaqueToken(token)
  // Before the costly hash, which is not for whoever invents tokens.
  await repository.findActiveToken('reset_password', hash)
  const userId = await repository.resetPassword(hash, await hashPassword(password), origin)
  evictUser(userId)
}

/** Sends the caller a mail with a link to verify the address; none when it is verified, or when there were many lately. */
export async function sendVerificationEmail(actor: SessionActor): Promise<void> {
  await repository.issueVerification(actor.userId)
}

/** Verifies an address with the token of a mail. INVALID_TOKEN, TOKEN_REUSED, TOKEN_EXPIRED. */
export async function verifyEmail(token: string, origin: ClientInfo): Promise<void> {
  await repository.verifyEmail(hashOpaqueToken(token), origin)
}
