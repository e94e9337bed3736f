import { insertAuditEvent } from '@/lib/domains/audit/repository'
import { AppError } from '@/lib/errors'
import { prisma } from '@/lib/platform/db/prisma'
import { deleteSessions } from '@/lib/domains/auth/sessions/repository'
import { userColumns } from '@/lib/domains/users/repository'
import type { User } from '@/lib/domains/users/schema'
import { inTransaction } from '@/lib/platform/db/transaction'
import type { ClientInfo, SessionActor } from '@/lib/platform/identity/actor'

/** The account with an e-mail address and the hash of its password. */
export async function findCredentials(email: string): Promise<{ user: User; hash: string | undefined } | undefined> {
  const row = await prisma().user.findUnique({
    where: { email },
    select: { ...userColumns, password: { select: { hash: true } } },
  })
  if (row === null) return undefined
  const { password, ...user } = row
  return { user, hash: password?.hash }
}

/** The hash of a user's password. */
export async function findPasswordHash(userId: number): Promise<string | undefined> {
  return (await prisma().password.findUnique({ where: { userId }, select: { hash: true } }))?.hash
}

/**
 * Puts a new password in the place of the one that was proven, ends every session but the caller's, and keeps the event.
 * INVALID_CREDENTIALS when the password was changed since it was proven.
 */
export async function replacePassword(
  { userId, sessionId }: SessionActor,
  hashes: { proven: string; next: string },
  origin: ClientInfo,
): Promise<void> {
  await inTransaction(async (transaction) => {
    // In the order in which a deletion of the user takes the rows, so that the two cannot deadlock.
    await transaction.$queryRaw`SELECT 1 FROM users WHERE id = ${userId} FOR KEY SHARE`
    const { count } = await transaction.password.updateMany({
      where: { userId, hash: hashes.proven },
      data: { hash: hashes.next },
    })
    if (count === 0) throw new AppError('INVALID_CREDENTIALS')
    await deleteSessions(userId, { except: sessionId })
    await insertAuditEvent({ action: 'password_changed', actorId: userId, origin })
  })
}
