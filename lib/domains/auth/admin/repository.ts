import { insertAuditEvent } from '@/lib/domains/audit/repository'
import type { ClientInfo } from '@/lib/platform/identity/actor'
import { AppError } from '@/lib/errors'
import { prisma } from '@/lib/platform/db/prisma'
import { deleteSessions } from '@/lib/domains/auth/sessions/repository'
import { userColumns } from '@/lib/domains/users/repository'
import type { User } from '@/lib/domains/users/schema'
import { inTransaction } from '@/lib/platform/db/transaction'

/** Where what is done at the console comes from, in the audit. */
const CONSOLE: ClientInfo = { ip: '127.0.0.1', userAgent: undefined, requestId: 'npm-run-admin' }
const BY_OPERATOR = { by: 'operator' } as const

/** The account of an address; NOT_FOUND. */
export async function findAccount(email: string): Promise<User> {
  const user = await prisma().user.findUnique({ where: { email }, select: userColumns })
  if (user === null) throw new AppError('NOT_FOUND', { message: `There is no account of ${email}.` })
  return user
}

/** Makes an account an admin's. */
export async function promote(userId: number): Promise<void> {
  await inTransaction(async (transaction) => {
    const { count } = await transaction.user.updateMany({
      where: { id: userId, role: { not: 'admin' } },
      data: { role: 'admin' },
    })
    const details = { userId, role: 'admin', ...BY_OPERATOR }
    if (count > 0) await insertAuditEvent({ action: 'role_changed', actorId: null, origin: CONSOLE, details })
  })
}

/** Gives an account another password and ends every session of it. */
export async function setPassword(userId: number, hash: string): Promise<void> {
  await inTransaction(async (transaction) => {
    await transaction.$queryRaw`SELECT 1 FROM users WHERE id = ${userId} FOR KEY SHARE`
    await transaction.password.upsert({ where: { userId }, create: { userId, hash }, update: { hash } })
    await deleteSessions(userId)
    const event = { action: 'password_reset', actorId: userId, origin: CONSOLE, details: BY_OPERATOR } as const
    await insertAuditEvent(event)
  })
}

/** Ends every session of an account; how many there were. */
export async function endSessions(userId: number): Promise<number> {
  return inTransaction(async () => {
    const count = await deleteSessions(userId)
    const details = { ended: count, ...BY_OPERATOR }
    if (count > 0) await insertAuditEvent({ action: 'session_ended', actorId: userId, origin: CONSOLE, details })
    return count
  })
}
