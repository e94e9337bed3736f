import { hasScope, type Actor, type ClientInfo } from '@/lib/platform/identity/actor'
import { evictUser } from '@/lib/platform/identity/credential-cache'
import { hashPassword } from '@/lib/platform/crypto/password'
import { config } from '@/lib/config'
import type { Precondition } from '@/lib/platform/etag'
import { AppError } from '@/lib/errors'
import { leaveAllFamilies, listFamiliesOf } from '@/lib/domains/families/service'
import type { List } from '@/lib/platform/pagination/query'
import { listPostsOf } from '@/lib/domains/posts/service'
import { getProfile } from '@/lib/domains/profiles/service'
import { MAX_INCLUDED_ITEMS, INCLUSION_SCOPES, type Inclusion, type UserWithInclusions } from './include-schema'
import { inTransaction } from '@/lib/platform/db/transaction'
import * as repository from './repository'
import type { ListUsersQuery, NewUser, User, UserChanges } from './schema'

/** A user's own data is theirs and the admins'. Anybody else learns nothing, not even whether the id is taken. */
function assertSelfOrAdmin(actor: Actor, userId: number): void {
  if (actor.userId !== userId && actor.role !== 'admin') throw new AppError('FORBIDDEN')
}

/**
 * Makes an account. Anybody may while `OPEN_SIGNUP`, else an admin; a role is the admin's to give.
 * UNAUTHORIZED, FORBIDDEN, EMAIL_EXISTS.
 */
export async function createUser(actor: Actor | undefined, input: NewUser): Promise<User> {
  if (actor?.role !== 'admin') {
    if (!config().openSignup) throw new AppError(actor === undefined ? 'UNAUTHORIZED' : 'FORBIDDEN')
    if (input.role !== undefined) throw new AppError('FORBIDDEN')
  }
  // A taken address is refused before the costly hash; the constraint decides for those that come at the same time.
  if (await repository.emailIsTaken(input.email)) throw new AppError('EMAIL_EXISTS')
  const hash = await hashPassword(input.password)
  const { email, name = null, role = 'user' } = input
  return repository.insertUser({ email, name, role }, hash, { sendVerification: true })
}

/** FORBIDDEN, NOT_FOUND. */
export async function getUser(actor: Actor, userId: number): Promise<User> {
  assertSelfOrAdmin(actor, userId)
  return repository.findUser(userId)
}

/**
 * A user with what `include` names: the profile, the newest `EMBEDDED_MAX` of the posts, the first `EMBEDDED_MAX` of the
 * families. The lists of these have the rest. FORBIDDEN, also for an API key that may not read what is named; NOT_FOUND.
 */
export async function getUserWithIncludes(
  actor: Actor,
  userId: number,
  include: readonly Inclusion[],
): Promise<UserWithInclusions> {
  if (include.some((name) => !hasScope(actor, INCLUSION_SCOPES[name]))) throw new AppError('FORBIDDEN')
  const user = await getUser(actor, userId)
  const first = { cursor: '', limit: MAX_INCLUDED_ITEMS }
  const [profile, posts, families] = await Promise.all([
    include.includes('profile') ? getProfile(userId) : undefined,
    include.includes('posts') ? listPostsOf(actor, userId, first) : undefined,
    include.includes('families') ? listFamiliesOf(actor, userId, first) : undefined,
  ])
  return {
    ...user,
    ...(profile !== undefined && { profile }),
    ...(posts !== undefined && { posts: posts.items }),
    ...(families !== undefined && { families: families.items }),
  }
}

/** FORBIDDEN, NOT_FOUND, EMAIL_EXISTS, PRECONDITION_FAILED. */
export async function updateUser(
  actor: Actor,
  userId: number,
  changes: UserChanges,
  origin: ClientInfo,
  precondition?: Precondition,
): Promise<User> {
  assertSelfOrAdmin(actor, userId)
  if (changes.role !== undefined && actor.role !== 'admin') throw new AppError('FORBIDDEN')
  // Whoever has the address can have the password reset: an API key, which may not touch credentials, may not move it.
  const canChangeEmail = actor.credential === 'session'
  const by = { actorId: actor.userId, origin, canChangeEmail }
  const user = await repository.updateUser(userId, changes, by, precondition)
  if (changes.role !== undefined) evictUser(userId)
  return user
}

/**
 * Deletes a user with everything they own, including the families in which they are the only member.
 * @throws FORBIDDEN when the caller is neither that user nor an admin
 * @throws NOT_FOUND when the user does not exist
 * @throws LAST_OWNER when a family with other members would have no owner
 * @throws PRECONDITION_FAILED when the precondition rejects the current user
 */
export async function deleteUser(
  actor: Actor,
  userId: number,
  origin: ClientInfo,
  precondition?: Precondition,
): Promise<void> {
  assertSelfOrAdmin(actor, userId)
  await inTransaction(async () => {
    await repository.checkPrecondition(userId, precondition)
    await leaveAllFamilies(userId)
    await repository.deleteUser(userId, { actorId: actor.userId, origin })
  })
  evictUser(userId)
}

/** For admins; the route sees to that. */
export async function listUsers(query: ListUsersQuery): Promise<List<User>> {
  return repository.listUsers(query)
}

/** Makes the account if no admin exists yet; whether it did. */
export async function ensureAdmin(account: { email: string; password: string }): Promise<boolean> {
  if (await repository.adminExists()) return false
  const hash = await hashPassword(account.password)
  await repository.insertUser({ email: account.email, name: 'Admin', role: 'admin', emailVerified: true }, hash)
  return true
}
