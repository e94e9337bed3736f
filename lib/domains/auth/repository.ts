import type { User } from '@/lib/domains/users/schema'
import { prisma } from '@/lib/platform/db/prisma'
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

export async function findPasswordHash(userId: number): Promise<string | undefined> {
  return (await prisma().password.findUnique({ where: { userId }, select: { hash: true } }))?.hash
}

/** Locks a user before the password and the sessions, in the order of a deletion, so that the two cannot deadlock. */
export async function lockUser(userId: number): Promise<void> {
  await prisma().$queryRaw`SELECT 1 FROM users WHERE id = ${userId} FOR KEY SHARE`
}

/** Replaces a password; returns false when its hash is no longer `currentHash`. */
export async function replacePassword(userId: number, currentHash: string, hash: string): Promise<boolean> {
  return (await prisma().password.updateMany({ where: { userId, hash: currentHash }, data: { hash } })).count > 0
}

/** Sets a password whatever the current one is. */
export async function setPassword(userId: number, hash: string): Promise<void> {
  await prisma().password.upsert({ where: { userId }, create: { userId, hash }, update: { hash } })
}

/** Gives a user the role `admin`; returns false when they have it already. */
export async function promote(userId: number): Promise<boolean> {
  const where = { id: userId, role: { not: 'admin' } } as const
  return (await prisma().user.updateMany({ where, data: { role: 'admin' } })).count > 0
}
