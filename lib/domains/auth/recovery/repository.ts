import { insertAuditEvent } from '@/lib/domains/audit/repository'
import type { ClientInfo } from '@/lib/platform/identity/actor'
import { deleteSessions } from '@/lib/domains/auth/sessions/repository'
import { AppError } from '@/lib/errors'
import { enqueue } from '@/lib/platform/queue/enqueue'
import { enqueueMail } from '@/lib/platform/mail/enqueue-mail'
import { prisma, type DbClient } from '@/lib/platform/db/prisma'
import { inTransaction } from '@/lib/platform/db/transaction'
import type { EmailTokenPurpose } from '@/prisma/generated/client'
import { issueEmailToken } from './issue-email-token'
import type { PasswordResetJob } from '@/lib/platform/queue/schema'

type Hash = Uint8Array<ArrayBuffer>
type UsableToken = { userId: number; email: string; passwordUpdatedAt: Date | null }

/** So that a sweep ends well within the time that a query may take; the next one goes on. */
const ROWS_MAX = 10_000

/** Keeps the wish for a new password: one row in the queue, whether there is such an account or not. */
export async function enqueuePasswordReset(wish: PasswordResetJob): Promise<void> {
  await enqueue('issue-password-reset', wish)
}

/** Owes the account of an address, if there is one, a mail with a link to reset its password, and keeps the event. */
export async function issuePasswordReset({ email, messageId, origin }: PasswordResetJob): Promise<void> {
  await inTransaction(async (transaction) => {
    // Locked, so that requests for one account are counted one after the other.
    const [user] = await transaction.$queryRaw<{ id: number }[]>`
      SELECT id FROM users WHERE email = ${email} FOR NO KEY UPDATE`
    if (user === undefined) return
    const issued = await issueEmailToken('reset_password', { id: user.id, email }, messageId)
    const event = { action: 'password_reset_requested', actorId: user.id, origin } as const
    if (issued) await insertAuditEvent({ ...event, origin: { userAgent: undefined, ...origin } })
  })
}

/** Owes a user a mail to verify the address, unless it is verified. UNAUTHORIZED when the account is gone. */
export async function issueVerification(userId: number): Promise<void> {
  await inTransaction(async (transaction) => {
    const [user] = await transaction.$queryRaw<{ email: string; isVerified: boolean }[]>`
      SELECT email, email_verified AS "isVerified" FROM users WHERE id = ${userId} FOR NO KEY UPDATE`
    if (user === undefined) throw new AppError('UNAUTHORIZED')
    if (!user.isVerified) await issueEmailToken('verify_email', { id: userId, email: user.email })
  })
}

/** A token that could be spent now; INVALID_TOKEN, TOKEN_REUSED, TOKEN_EXPIRED. */
export async function findActiveToken(
  purpose: EmailTokenPurpose,
  hash: Hash,
  queryable: DbClient = prisma(),
): Promise<UsableToken> {
  const row = await queryable.emailToken.findUnique({
    where: { hash, purpose },
    select: { userId: true, email: true, passwordUpdatedAt: true, usedAt: true, expiresAt: true },
  })
  if (row === null) throw new AppError('INVALID_TOKEN')
  const { usedAt, expiresAt, ...token } = row
  if (usedAt !== null) throw new AppError('TOKEN_REUSED')
  if (expiresAt.getTime() <= Date.now()) throw new AppError('TOKEN_EXPIRED')
  return token
}

/**
 * Spends a token, which proves its address. Of several requests at once one gets it: the others wait at the user's row
 * for that one's commit. INVALID_TOKEN when the account has another address by now, TOKEN_REUSED, TOKEN_EXPIRED.
 */
async function spendToken(transaction: DbClient, purpose: EmailTokenPurpose, hash: Hash): Promise<UsableToken> {
  const token = await findActiveToken(purpose, hash, transaction)
  const { userId, email } = token
  const owner = await transaction.user.updateMany({ where: { id: userId, email }, data: { emailVerified: true } })
  if (owner.count === 0) throw new AppError('INVALID_TOKEN')
  const spent = await transaction.emailToken.updateMany({ where: { hash, usedAt: null }, data: { usedAt: new Date() } })
  if (spent.count === 0) throw new AppError('TOKEN_REUSED')
  return token
}

/**
 * Spends a token to give its account a new password, and ends every session. The user. INVALID_TOKEN, also when the
 * password was changed since the link was asked for, TOKEN_REUSED, TOKEN_EXPIRED.
 */
export async function resetPassword(hash: Hash, passwordHash: string, origin: ClientInfo): Promise<number> {
  return inTransaction(async (transaction) => {
    const { userId, email, passwordUpdatedAt } = await spendToken(transaction, 'reset_password', hash)
    const data = { userId, hash: passwordHash }
    const { count } =
      passwordUpdatedAt === null
        ? await transaction.password.createMany({ data, skipDuplicates: true })
        : await transaction.password.updateMany({ where: { userId, updatedAt: passwordUpdatedAt }, data })
    if (count === 0) throw new AppError('INVALID_TOKEN')
    await deleteSessions(userId)
    await insertAuditEvent({ action: 'password_reset', actorId: userId, origin })
    await enqueueMail({ to: email, content: { template: 'password-changed' } })
    return userId
  })
}

/** Spends a token to mark its account's address as verified. INVALID_TOKEN, TOKEN_REUSED, TOKEN_EXPIRED. */
export async function verifyEmail(hash: Hash, origin: ClientInfo): Promise<void> {
  await inTransaction(async (transaction) => {
    const { userId } = await spendToken(transaction, 'verify_email', hash)
    await insertAuditEvent({ action: 'email_verified', actorId: userId, origin })
  })
}

/** Removes tokens that have been expired for a month. How many. */
export async function deleteOldEmailTokens(): Promise<number> {
  return prisma().$executeRaw`
    DELETE FROM email_tokens WHERE hash IN (
      SELECT hash FROM email_tokens WHERE expires_at < now() - interval '30 days' LIMIT ${ROWS_MAX})`
}
