import { hasScope, type Actor } from '@/lib/platform/identity/actor'
import { AppError } from '@/lib/errors'
import { recordChange } from '@/lib/domains/events/service'
import { listFamiliesOf } from '@/lib/domains/families/service'
import type { List } from '@/lib/platform/pagination/query'
import { listPostsOf } from '@/lib/domains/posts/service'
import { getProfile } from '@/lib/domains/profiles/service'
import * as repository from './repository'
import { INCLUSION_SCOPES, MAX_INCLUDED_ITEMS, type Inclusion, type ListUsersQuery, type User } from './schema'
import type { UserWithInclusions } from './schema'

/** @throws FORBIDDEN, whether the user exists or not, when the caller is neither that user nor an admin */
export function assertSelfOrAdmin(actor: Actor, userId: number): void {
  if (actor.userId !== userId && actor.role !== 'admin') throw new AppError('FORBIDDEN')
}

/**
 * Returns a user.
 * @throws FORBIDDEN when the caller is neither that user nor an admin
 * @throws NOT_FOUND when the user does not exist
 */
export async function getUser(actor: Actor, userId: number): Promise<User> {
  assertSelfOrAdmin(actor, userId)
  return repository.findUser(userId)
}

/**
 * Returns a user with what `include` names: the profile, the newest posts, the first families, `MAX_INCLUDED_ITEMS` each.
 * @throws FORBIDDEN when the caller is neither that user nor an admin, or the API key lacks the scope of an inclusion
 * @throws NOT_FOUND when the user does not exist
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

/** Lists users. The route requires an admin. */
export async function listUsers(query: ListUsersQuery): Promise<List<User>> {
  return repository.listUsers(query)
}

/** Records the creation of a user as part of the surrounding transaction. */
export async function recordUserCreation(user: User, actorId: number | null): Promise<void> {
  const { id } = user
  await recordChange({ type: 'user.created', actorId, id, data: user, audience: { admins: true, userIds: [id] } })
}

/** Records a change of a user as part of the surrounding transaction, after the change. */
export async function recordUserUpdate(id: number, actorId: number | null): Promise<void> {
  const data = await repository.findUser(id)
  await recordChange({ type: 'user.updated', actorId, id, data, audience: { admins: true, userIds: [id] } })
}

/** Records the deletion of a user as part of the surrounding transaction. */
export async function recordUserDeletion(id: number, actorId: number | null): Promise<void> {
  await recordChange({ type: 'user.deleted', actorId, id, data: null, audience: { admins: true } })
}
