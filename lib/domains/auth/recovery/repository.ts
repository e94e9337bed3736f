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

/** Locks a user and returns the e-mail address. */
export async function lockUser(id: number): Promise<{ email: string; isVerified: boolean } | undefined> {
  const [user] = await prisma().$queryRaw<{ email: string; isVerified: boolean }[]>`
    SELECT email, email_verified AS "isVerified" FROM users WHERE id = ${id} FOR NO KEY UPDATE`
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

type EmailToken = {
  userId: number
  email: string
  passwordUpdatedAt: Date | null
  usedAt: Date | null
  expiresAt: Date
}

export async function findEmailToken(purpose: EmailTokenPurpose, hash: Hash): Promise<EmailToken | null> {
  return prisma().emailToken.findUnique({
    where: { hash, purpose },
    select: { userId: true, email: true, passwordUpdatedAt: true, usedAt: true, expiresAt: true },
  })
}

/** Marks a user's e-mail address as verified; returns false when the user has another address. */
export async function markEmailVerified({ userId, email }: { userId: number; email: string }): Promise<boolean> {
  const { count } = await prisma().user.updateMany({ where: { id: userId, email }, data: { emailVerified: true } })
  return count > 0
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
