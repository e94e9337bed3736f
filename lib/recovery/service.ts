import { randomUUID } from 'node:crypto'
import type { RequestOrigin, SessionActor } from '@/lib/auth/actor'
import { forgetUser } from '@/lib/auth/live-sessions'
import { hashPassword } from '@/lib/auth/password'
import { hashSecretToken } from '@/lib/auth/secret-token'
import * as repository from './repository'
import type { PasswordReset, PasswordResetJob } from './schema'

/**
 * Asks for a mail with a link to set a new password. Whether the address belongs to anybody is found out by a job
 * later, so that neither the answer nor its time tells.
 */
export async function forgotPassword(email: string, { ip, requestId }: RequestOrigin): Promise<void> {
  await repository.enqueuePasswordReset({ email, messageId: randomUUID(), origin: { ip, requestId } })
}

/** The work of an `issue-password-reset` job. */
export async function issuePasswordReset(wish: PasswordResetJob): Promise<void> {
  await repository.issuePasswordReset(wish)
}

/** Sets a new password with the token of a mail; every session ends. INVALID_TOKEN, TOKEN_REUSED, TOKEN_EXPIRED. */
export async function resetPassword({ token, password }: PasswordReset, origin: RequestOrigin): Promise<void> {
  const hash = hashSecretToken(token)
  // Before the costly hash, which is not for whoever invents tokens.
  await repository.findUsableToken('reset_password', hash)
  const userId = await repository.resetPassword(hash, await hashPassword(password), origin)
  forgetUser(userId)
}

/** Sends the caller a mail with a link to verify the address; none when it is verified, or when there were many lately. */
export async function sendVerificationEmail(actor: SessionActor): Promise<void> {
  await repository.issueVerification(actor.userId)
}

/** Verifies an address with the token of a mail. INVALID_TOKEN, TOKEN_REUSED, TOKEN_EXPIRED. */
export async function verifyEmail(token: string, origin: RequestOrigin): Promise<void> {
  await repository.verifyEmail(hashSecretToken(token), origin)
}
