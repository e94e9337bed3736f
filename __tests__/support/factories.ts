import { randomUUID } from 'node:crypto'
import { createApiKey } from '@/lib/api-keys/service'
import { signAccessToken } from '@/lib/auth/access-token'
import { hashPassword } from '@/lib/auth/password'
import { insertSession } from '@/lib/auth/repository'
import type { Scope } from '@/lib/auth/scopes'
import { insertUser } from '@/lib/users/repository'
import type { Role, User } from '@/lib/users/schema'

export const PASSWORD = 'correct horse'

let hash: Promise<string> | undefined

/** An address that nobody else has. */
export function freshEmail(): string {
  return `${randomUUID()}@example.test`
}

/** A user with PASSWORD. */
export async function makeUser(given: { email?: string; name?: string | null; role?: Role } = {}): Promise<User> {
  hash ??= hashPassword(PASSWORD)
  const { email = freshEmail(), name = 'Ada Lovelace', role = 'user' } = given
  return insertUser({ email, name, role }, await hash)
}

/** A user with an open session and its access token. */
export async function signIn(
  given: { role?: Role; name?: string | null } = {},
): Promise<{ user: User; token: string; sessionId: string }> {
  const user = await makeUser(given)
  const sessionId = await insertSession({
    userId: user.id,
    userAgent: 'tests',
    ip: '127.0.0.1',
    expiresAt: new Date(Date.now() + 3_600_000),
  })
  return { user, sessionId, token: signAccessToken({ userId: user.id, sessionId }) }
}

/** An API key of a user with these scopes: a bearer token. */
export async function makeApiKey(
  owner: User,
  scopes: Scope[],
  given: { expiresAt?: Date } = {},
): Promise<{ id: string; key: string }> {
  const actor = { credential: 'session', userId: owner.id, role: owner.role, sessionId: randomUUID() } as const
  const origin = { ip: '127.0.0.1', userAgent: 'tests', requestId: randomUUID() }
  return createApiKey(actor, { name: 'tests', scopes, ...given }, origin)
}
