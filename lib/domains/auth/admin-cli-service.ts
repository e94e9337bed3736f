import { randomBytes } from 'node:crypto'
import { recordEvent } from '@/lib/domains/audit/service'
import { revokeApiKeys } from '@/lib/domains/auth/api-keys/service'
import { appointAdmin, OPERATOR_CLIENT as CLIENT, type Appointment } from '@/lib/domains/auth/accounts/service'
import { cancelEmailChange } from '@/lib/domains/auth/recovery/service'
import type { Session } from '@/lib/domains/auth/sessions/schema'
import { listSessionsOf, revokeSessions } from '@/lib/domains/auth/sessions/service'
import { AppError } from '@/lib/errors'
import { hashPassword } from '@/lib/platform/crypto/password'
import { inTransaction } from '@/lib/platform/db/transaction'
import * as repository from './repository'

/**
 * Emergency operations for `npm run admin`. Running servers pick them up immediately, except cached access tokens (up to
 * 5 s).
 */

const BY_OPERATOR = { by: 'operator' } as const

function generatePassword(): string {
  return randomBytes(12).toString('base64url')
}

async function findAccountId(email: string): Promise<number> {
  const account = await repository.findCredentials(email)
  if (account === undefined) throw new AppError('NOT_FOUND', { message: `No account found for ${email}.` })
  return account.user.id
}

/** Makes the account an admin, creating it if needed. Returns its new password unless it was an admin already. */
export async function makeAdmin(email: string): Promise<{ appointment: Appointment; password: string | undefined }> {
  const password = generatePassword()
  const appointment = await appointAdmin({ email, password, name: null })
  return { appointment, password: appointment.outcome === 'unchanged' ? undefined : password }
}

/**
 * Sets a generated password, which it returns, and revokes the account's sessions and API keys.
 * @throws NOT_FOUND when there is no such account
 */
export async function resetPassword(email: string): Promise<string> {
  const userId = await findAccountId(email)
  const password = generatePassword()
  const hash = await hashPassword(password)
  await inTransaction(async () => {
    await repository.lockUser(userId)
    await repository.setPassword(userId, hash)
    await revokeSessions(userId)
    await revokeApiKeys(userId, CLIENT, BY_OPERATOR)
    await cancelEmailChange(userId)
    await recordEvent({ action: 'password_reset', actorId: userId, client: CLIENT, details: BY_OPERATOR })
  })
  return password
}

/**
 * Lists the account's sessions, the most recently used first.
 * @throws NOT_FOUND when there is no such account
 */
export async function listAccountSessions(email: string): Promise<Omit<Session, 'current'>[]> {
  return listSessionsOf(await findAccountId(email))
}

/**
 * Revokes the account's sessions and returns their number.
 * @throws NOT_FOUND when there is no such account
 */
export async function revokeAccountSessions(email: string): Promise<number> {
  const userId = await findAccountId(email)
  return inTransaction(async () => {
    const count = await revokeSessions(userId)
    const details = { ended: count, ...BY_OPERATOR }
    if (count > 0) await recordEvent({ action: 'session_ended', actorId: userId, client: CLIENT, details })
    return count
  })
}

/**
 * Revokes the account's API keys and returns their number.
 * @throws NOT_FOUND when there is no such account
 */
export async function revokeAccountApiKeys(email: string): Promise<number> {
  const userId = await findAccountId(email)
  return inTransaction(async () => {
    await repository.lockUser(userId)
    return revokeApiKeys(userId, CLIENT, BY_OPERATOR)
  })
}
