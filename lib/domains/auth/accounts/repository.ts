import { AppError } from '@/lib/errors'
import type { User, UserChanges } from '@/lib/domains/users/schema'
import { isMissingRow, isUniqueViolation } from '@/lib/platform/db/errors'
import { prisma } from '@/lib/platform/db/prisma'
import { lockRow } from '@/lib/platform/db/transaction'
import type { Role } from '@/lib/platform/identity/schema'
import { userColumns } from '@/lib/platform/identity/user-columns'

/** Arbitrary but fixed advisory-lock key. */
const ADMIN_LOCK = 7_203_118_442

function translate(error: unknown): never {
  if (isUniqueViolation(error)) throw new AppError('EMAIL_EXISTS', { cause: error })
  if (isMissingRow(error)) throw new AppError('NOT_FOUND', { cause: error })
  throw error
}

/**
 * Inserts a user with a password.
 * @throws EMAIL_EXISTS when the e-mail address is taken
 */
export async function insertUser(
  input: { email: string; name: string | null; role: Role; emailVerified?: boolean },
  passwordHash: string,
): Promise<User> {
  const data = { ...input, password: { create: { hash: passwordHash } } }
  return prisma().user.create({ data, select: userColumns }).catch(translate)
}

export async function emailIsTaken(email: string): Promise<boolean> {
  return (await prisma().user.findUnique({ where: { email }, select: { id: true } })) !== null
}

/** Locks a user against changes and deletion. */
export async function lockUser(id: number): Promise<void> {
  await lockRow('users', id)
}

/** Locks a user against new posts and files, which would be deleted with the user without an event. */
export async function lockUserForDeletion(id: number): Promise<void> {
  await prisma().$queryRaw`SELECT 1 FROM users WHERE id = ${id} FOR UPDATE`
}

/** Locks a user for a change of the e-mail address, a unique key, and returns the current address. */
export async function lockEmail(id: number): Promise<{ email: string; isVerified: boolean } | undefined> {
  const [user] = await prisma().$queryRaw<{ email: string; isVerified: boolean }[]>`
    SELECT email, email_verified AS "isVerified" FROM users WHERE id = ${id} FOR UPDATE`
  return user
}

export async function updatePendingEmail(id: number, pendingEmail: string): Promise<void> {
  await prisma().user.update({ where: { id }, data: { pendingEmail }, select: { id: true } })
}

/**
 * Changes a user's e-mail address and marks it unverified.
 * @throws EMAIL_EXISTS when the e-mail address is taken
 */
export async function updateEmail(id: number, email: string): Promise<void> {
  const data = { email, emailVerified: false, pendingEmail: null }
  await prisma()
    .user.update({ where: { id }, data, select: { id: true } })
    .catch(translate)
}

/** Changes a user's role; returns false when the user does not exist or has the role already. */
export async function updateRole(id: number, role: Role): Promise<boolean> {
  return (await prisma().user.updateMany({ where: { id, role: { not: role } }, data: { role } })).count > 0
}

/**
 * @throws EMAIL_EXISTS when the e-mail address is taken
 * @throws NOT_FOUND when the user does not exist
 */
export async function updateUser(id: number, changes: UserChanges): Promise<User> {
  return prisma().user.update({ where: { id }, data: changes, select: userColumns }).catch(translate)
}

/**
 * Deletes a user with everything they own, except families.
 * @throws NOT_FOUND when the user does not exist
 */
export async function deleteUser(id: number): Promise<void> {
  const { count } = await prisma().user.deleteMany({ where: { id } })
  if (count === 0) throw new AppError('NOT_FOUND')
}

/** Waits until no other transaction appoints an admin: several servers may start concurrently. */
export async function lockAdminAppointment(): Promise<void> {
  await prisma().$executeRaw`SELECT pg_advisory_xact_lock(${ADMIN_LOCK}::bigint)`
}

/** Locks the account with an e-mail address and returns it. */
export async function lockUserByEmail(
  email: string,
): Promise<{ id: number; role: Role; createdAt: Date; isVerified: boolean } | undefined> {
  const [user] = await prisma().$queryRaw<{ id: number; role: Role; createdAt: Date; isVerified: boolean }[]>`
    SELECT id, role::text AS role, created_at AS "createdAt", email_verified AS "isVerified"
    FROM users WHERE email = ${email} FOR NO KEY UPDATE`
  return user
}

/** Makes a user an admin with a verified e-mail address and sets the password. */
export async function promote(id: number, passwordHash: string): Promise<void> {
  const set = { hash: passwordHash }
  await prisma().user.update({
    where: { id },
    data: {
      role: 'admin',
      emailVerified: true,
      pendingEmail: null,
      password: { upsert: { create: set, update: set } },
    },
    select: { id: true },
  })
}

export async function adminExists(): Promise<boolean> {
  return (await prisma().user.findFirst({ where: { role: 'admin' }, select: { id: true } })) !== null
}
