import type { User } from '@/lib/domains/users/schema'
import { prisma } from '@/lib/platform/db/prisma'
import { lockRow } from '@/lib/platform/db/transaction'
import { userColumns } from '@/lib/platform/identity/user-columns'

/** Finds the account with an e-mail address and the hash of its password. */
export async function findCredentials(email: string): Promise<{ user: User; hash: string | undefined } | undefined> {
  const row = await prisma().user.findUnique({
    where: { email },
    select: { ...userColumns, password: { select: { hash: true } } },
  })
  if (row === null) return undefined
  const { password, ...user } = row
  return { user, hash: password?.hash }
}

/** Returns the hash of a user's password, the e-mail address and the name. */
export async function findPassword(
  userId: number,
): Promise<{ hash: string; email: string; name: string | null } | undefined> {
  const row = await prisma().password.findUnique({
    where: { userId },
    select: { hash: true, user: { select: { email: true, name: true } } },
  })
  return row === null ? undefined : { hash: row.hash, ...row.user }
}

/**
 * Locks a user before the password, the sessions and the keys, in the order of a deletion, so that the two cannot deadlock.
 * Waits for the creation of a key in progress, which would otherwise survive the revocation of all keys.
 */
export async function lockUser(userId: number): Promise<void> {
  await lockRow('users', userId)
}

/** Replaces a password; returns false when its hash is no longer `currentHash`. */
export async function replacePassword(userId: number, currentHash: string, hash: string): Promise<boolean> {
  return (await prisma().password.updateMany({ where: { userId, hash: currentHash }, data: { hash } })).count > 0
}

/**
 * Replaces the hash of a password by another of the same password; returns false when the password was changed. The time
 * of its last change stays, with which links to reset it are compared.
 */
export async function renewHash(userId: number, currentHash: string, hash: string): Promise<boolean> {
  const count = await prisma().$executeRaw`
    UPDATE passwords SET hash = ${hash} WHERE user_id = ${userId} AND hash = ${currentHash}`
  return count > 0
}

/** Sets a password whatever the current one is. */
export async function setPassword(userId: number, hash: string): Promise<void> {
  await prisma().password.upsert({ where: { userId }, create: { userId, hash }, update: { hash } })
}
