import { insertAuditEvent } from '@/lib/domains/audit/repository'
import type { ClientInfo } from '@/lib/platform/identity/actor'
import { isMissingRow, isUniqueViolation } from '@/lib/platform/db/errors'
import type { Precondition } from '@/lib/platform/etag'
import { AppError } from '@/lib/errors'
import { enqueue } from '@/lib/platform/queue/enqueue'
import { containing, integerKey, textKey, timestampKey } from '@/lib/platform/pagination/keyset'
import type { List } from '@/lib/platform/pagination/query'
import { enqueueMail } from '@/lib/platform/mail/enqueue-mail'
import { prisma, type DbClient } from '@/lib/platform/db/prisma'
import { paginate } from '@/lib/platform/pagination/paginate'
import { issueEmailToken } from '@/lib/domains/auth/recovery/issue-email-token'
import { inTransaction, lockRow } from '@/lib/platform/db/transaction'
import { Prisma } from '@/prisma/generated/client'
import type { Role } from '@/lib/platform/identity/schema'
import type { ListUsersQuery, User, UserChanges } from './schema'

/** The columns of a user that leave the house. */
export const userColumns = {
  id: true,
  email: true,
  name: true,
  role: true,
  emailVerified: true,
  createdAt: true,
  updatedAt: true,
} satisfies Prisma.UserSelect

function translate(error: unknown): never {
  if (isUniqueViolation(error)) throw new AppError('EMAIL_EXISTS', { cause: error })
  if (isMissingRow(error)) throw new AppError('NOT_FOUND', { cause: error })
  throw error
}

/**
 * Adds a user with its password, and owes it a mail to verify the address where `sendVerification` says so, in one
 * transaction. EMAIL_EXISTS when the address is taken.
 */
export async function insertUser(
  input: { email: string; name: string | null; role: Role; emailVerified?: boolean },
  passwordHash: string,
  { sendVerification = false } = {},
): Promise<User> {
  try {
    return await inTransaction(async (transaction) => {
      const data = { ...input, password: { create: { hash: passwordHash } } }
      const user = await transaction.user.create({ data, select: userColumns })
      if (sendVerification) await issueEmailToken('verify_email', user)
      return user
    })
  } catch (error) {
    return translate(error)
  }
}

/** Whether an e-mail address is taken. */
export async function emailIsTaken(email: string): Promise<boolean> {
  return (await prisma().user.findUnique({ where: { email }, select: { id: true } })) !== null
}

/** NOT_FOUND when there is none. */
export async function findUser(id: number): Promise<User> {
  const user = await prisma().user.findUnique({ where: { id }, select: userColumns })
  if (user === null) throw new AppError('NOT_FOUND')
  return user
}

/** Who makes a change, and from where. */
type ChangedBy = { actorId: number; origin: ClientInfo }

/** Gives a user another address, which has to be verified, and lets the old one know. FORBIDDEN unless allowed. */
async function changeEmail(transaction: DbClient, id: number, email: string, isAllowed: boolean): Promise<void> {
  const [before] = await transaction.$queryRaw<{ email: string }[]>`SELECT email FROM users WHERE id = ${id} FOR UPDATE`
  if (before === undefined || before.email === email) return
  if (!isAllowed) throw new AppError('FORBIDDEN')
  await transaction.user.update({ where: { id }, data: { email, emailVerified: false }, select: { id: true } })
  await issueEmailToken('verify_email', { id, email })
  await enqueueMail({ to: before.email, content: { template: 'email-changed' } })
}

/** Holds a user still for the rest of the transaction, and sees whether it is the one that the client knows. */
export async function checkPrecondition(id: number, precondition: Precondition | undefined): Promise<void> {
  if (precondition === undefined) return
  await lockRow('users', id)
  precondition(await findUser(id))
}

/**
 * Changes a user; a new e-mail address is an unverified one, a new role is an audit event.
 * EMAIL_EXISTS, NOT_FOUND, PRECONDITION_FAILED.
 */
export async function updateUser(
  id: number,
  changes: UserChanges,
  { canChangeEmail, ...by }: ChangedBy & { canChangeEmail: boolean },
  precondition?: Precondition,
): Promise<User> {
  try {
    return await inTransaction(async () => {
      const transaction = prisma()
      await checkPrecondition(id, precondition)
      if (changes.email !== undefined) await changeEmail(transaction, id, changes.email, canChangeEmail)
      if (changes.role !== undefined) {
        const { count } = await transaction.user.updateMany({
          where: { id, role: { not: changes.role } },
          data: { role: changes.role },
        })
        const event = { action: 'role_changed', ...by, details: { userId: id, role: changes.role } } as const
        if (count > 0) await insertAuditEvent(event)
      }
      return transaction.user.update({ where: { id }, data: changes, select: userColumns })
    })
  } catch (error) {
    return translate(error)
  }
}

/**
 * Deletes a user with everything they own. Families must have been left before.
 * @throws NOT_FOUND when the user does not exist
 */
export async function deleteUser(id: number, by: ChangedBy): Promise<void> {
  const { count } = await prisma().user.deleteMany({ where: { id } })
  if (count === 0) throw new AppError('NOT_FOUND')
  // The bytes of their files, which the deletion has put on the list of what to remove.
  await enqueue('delete-unreferenced-files', {})
  await insertAuditEvent({ action: 'user_deleted', ...by, details: { userId: id } })
}

const userList = {
  name: 'users',
  from: Prisma.sql`"users"`,
  id: integerKey('"id"'),
  fields: {
    name: textKey('"name"', { nullable: true }),
    email: textKey('"email"'),
    createdAt: timestampKey('"created_at"'),
  },
  unique: ['email'],
} as const

/** Part of the users, by id unless the query says otherwise. `q` is a part of the name or address, whatever the case. */
export async function listUsers(query: ListUsersQuery): Promise<List<User>> {
  const where: Prisma.Sql[] = []
  if (query.role !== undefined) where.push(Prisma.sql`"role" = ${query.role}::"Role"`)
  if (query.q !== undefined) {
    const pattern = containing(query.q)
    where.push(Prisma.sql`("name" ILIKE ${pattern} OR "email" ILIKE ${pattern})`)
  }
  return paginate(userList, query, {
    where,
    rows: (ids) => prisma().user.findMany({ where: { id: { in: ids } }, select: userColumns }),
    getId: (user) => user.id,
  })
}

/** Whether there is anybody who may administer. */
export async function adminExists(): Promise<boolean> {
  return (await prisma().user.findFirst({ where: { role: 'admin' }, select: { id: true } })) !== null
}
