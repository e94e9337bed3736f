import { AppError } from '@/lib/errors'
import { isUniqueViolation } from '@/lib/platform/db/errors'
import { prisma } from '@/lib/platform/db/prisma'
import type { EmailTokenPurpose, Prisma } from '@/prisma/generated/client'

type Hash = Uint8Array<ArrayBuffer>

/** Limits a clean-up statement, so that it ends well within the query timeout; the next run continues. */
const CLEANUP_ROWS_MAX = 10_000

/** Locks the user with an e-mail address and returns the id. */
export async function lockUserByEmail(email: string): Promise<number | undefined> {
  const [user] = await prisma().$queryRaw<{ id: number }[]>`
    SELECT id FROM users WHERE email = ${email} FOR NO KEY UPDATE`
  return user?.id
}

/**
 * Locks a user and returns the e-mail address to verify, the pending one if there is one; a pending address that an account
 * has counts as verified, so that no link is mailed to it.
 */
export async function lockUser(id: number): Promise<{ email: string; isVerified: boolean } | undefined> {
  const [user] = await prisma().$queryRaw<{ email: string; isVerified: boolean }[]>`
    SELECT coalesce(pending_email, email) AS email, CASE WHEN pending_email IS NULL THEN email_verified
      ELSE EXISTS (SELECT 1 FROM users o WHERE o.email = u.pending_email) END AS "isVerified"
    FROM users u WHERE id = ${id} FOR NO KEY UPDATE`
  return user
}

export async function countEmailTokens(userId: number, purpose: EmailTokenPurpose, since: Date): Promise<number> {
  return prisma().emailToken.count({ where: { userId, purpose, createdAt: { gt: since } } })
}

export async function findPasswordUpdatedAt(userId: number): Promise<Date | null> {
  const password = await prisma().password.findUnique({ where: { userId }, select: { updatedAt: true } })
  return password?.updatedAt ?? null
}

/** Inserts a token; returns false when there is already one with this `messageId`. */
export async function insertEmailToken(token: Prisma.EmailTokenCreateManyInput): Promise<boolean> {
  return (await prisma().emailToken.createMany({ data: [token], skipDuplicates: true })).count > 0
}

export async function findName(userId: number): Promise<string | null | undefined> {
  return (await prisma().user.findUnique({ where: { id: userId }, select: { name: true } }))?.name
}

type EmailToken = {
  userId: number
  email: string
  passwordUpdatedAt: Date | null
  usedAt: Date | null
  createdAt: Date
  expiresAt: Date
}

export async function findEmailToken(purpose: EmailTokenPurpose, hash: Hash): Promise<EmailToken | null> {
  return prisma().emailToken.findUnique({
    where: { hash, purpose },
    select: { userId: true, email: true, passwordUpdatedAt: true, usedAt: true, createdAt: true, expiresAt: true },
  })
}

/** Marks a user's e-mail address as verified; returns false when the user has another address. */
export async function markEmailVerified({ userId, email }: { userId: number; email: string }): Promise<boolean> {
  const { count } = await prisma().user.updateMany({ where: { id: userId, email }, data: { emailVerified: true } })
  return count > 0
}

/**
 * Makes the pending e-mail address of a user the address, verified, and returns the previous one. Undefined when the user
 * has another pending address.
 * @throws INVALID_TOKEN when another account has the address by now
 */
export async function applyPendingEmail(
  userId: number,
  email: string,
): Promise<{ email: string; isVerified: boolean } | undefined> {
  const [previous] = await prisma().$queryRaw<{ email: string; isVerified: boolean }[]>`
    SELECT email, email_verified AS "isVerified" FROM users
    WHERE id = ${userId} AND pending_email = ${email} FOR UPDATE`
  if (previous !== undefined) await setVerifiedEmail(userId, email)
  return previous
}

/**
 * Sets the e-mail address of a user, verified, and cancels a pending change.
 * @throws INVALID_TOKEN when another account has the address
 */
export async function setVerifiedEmail(userId: number, email: string): Promise<void> {
  const data = { email, emailVerified: true, pendingEmail: null }
  try {
    await prisma().user.updateMany({ where: { id: userId }, data })
  } catch (error) {
    if (isUniqueViolation(error)) throw new AppError('INVALID_TOKEN', { cause: error })
    throw error
  }
}

/** Cancels a pending change of the e-mail address; returns false when there is none. */
export async function clearPendingEmail(userId: number): Promise<boolean> {
  const where = { id: userId, pendingEmail: { not: null } }
  return (await prisma().user.updateMany({ where, data: { pendingEmail: null } })).count > 0
}

/** Deletes the tokens of a user that were issued after another one. */
export async function deleteEmailTokensAfter(userId: number, createdAt: Date): Promise<void> {
  await prisma().emailToken.deleteMany({ where: { userId, createdAt: { gt: createdAt } } })
}

/** Deletes a password that was changed since `updatedAt`. */
export async function deletePasswordChangedSince(userId: number, updatedAt: Date | null): Promise<void> {
  await prisma().password.deleteMany({
    where: { userId, ...(updatedAt !== null && { updatedAt: { not: updatedAt } }) },
  })
}

/** Marks a token as used; returns false when it was used before. */
export async function markTokenUsed(hash: Hash): Promise<boolean> {
  const { count } = await prisma().emailToken.updateMany({
    where: { hash, usedAt: null },
    data: { usedAt: new Date() },
  })
  return count > 0
}

/** Sets a user's password; returns false when it was changed since `updatedAt`, which is null if there was none. */
export async function setPassword(userId: number, hash: string, updatedAt: Date | null): Promise<boolean> {
  const data = { userId, hash }
  const { count } =
    updatedAt === null
      ? await prisma().password.createMany({ data, skipDuplicates: true })
      : await prisma().password.updateMany({ where: { userId, updatedAt }, data })
  return count > 0
}

/** Deletes the e-mail tokens of a user. */
export async function deleteEmailTokens(userId: number): Promise<void> {
  await prisma().emailToken.deleteMany({ where: { userId } })
}

/** Deletes tokens that expired more than 30 days ago and returns their number. */
export async function deleteOldEmailTokens(): Promise<number> {
  return prisma().$executeRaw`
    DELETE FROM email_tokens WHERE hash IN (
      SELECT hash FROM email_tokens WHERE expires_at < now() - interval '30 days' LIMIT ${CLEANUP_ROWS_MAX})`
}
