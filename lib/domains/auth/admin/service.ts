import { randomBytes } from 'node:crypto'
import { hashPassword } from '@/lib/platform/crypto/password'
import { isAppError } from '@/lib/errors'
import { listSessions } from '@/lib/domains/auth/sessions/repository'
import { insertUser } from '@/lib/domains/users/repository'
import type { User } from '@/lib/domains/users/schema'
import * as repository from './repository'

/**
 * What somebody at the console may do for those who are locked out. Servers that run honour it at once, but for
 * access tokens, which they may go on to honour for up to five seconds.
 */

function newPassword(): string {
  return randomBytes(12).toString('base64url')
}

async function findOrNone(email: string): Promise<User | undefined> {
  try {
    return await repository.findAccount(email)
  } catch (error) {
    if (isAppError(error) && error.code === 'NOT_FOUND') return undefined
    throw error
  }
}

/** Makes the account of an address an admin's; where there is none, a new one, whose password is answered. */
export async function makeAdmin(email: string): Promise<{ password: string | undefined }> {
  const account = await findOrNone(email)
  if (account !== undefined) {
    await repository.promote(account.id)
    return { password: undefined }
  }
  const password = newPassword()
  await insertUser({ email, name: null, role: 'admin', emailVerified: true }, await hashPassword(password))
  return { password }
}

/** Gives an account a new password, which is answered, and ends its sessions. NOT_FOUND. */
export async function resetPassword(email: string): Promise<string> {
  const { id } = await repository.findAccount(email)
  const password = newPassword()
  await repository.setPassword(id, await hashPassword(password))
  return password
}

/** The sessions of an account, latest used first. NOT_FOUND. */
export async function sessionsOf(email: string): ReturnType<typeof listSessions> {
  return listSessions((await repository.findAccount(email)).id)
}

/** Ends the sessions of an account; how many there were. NOT_FOUND. */
export async function endSessionsOf(email: string): Promise<number> {
  return repository.endSessions((await repository.findAccount(email)).id)
}
