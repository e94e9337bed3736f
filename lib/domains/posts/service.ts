import type { Actor } from '@/lib/platform/identity/actor'
import type { Precondition } from '@/lib/platform/etag'
import { config } from '@/lib/config'
import { AppError, validationError } from '@/lib/errors'
import { recordChange, recordPostDeletions, type Audience } from '@/lib/domains/events/service'
import { isMember, lockMemberships } from '@/lib/domains/families/service'
import { assertRowQuota } from '@/lib/platform/db/row-quota'
import { inTransaction } from '@/lib/platform/db/transaction'
import type { List, ListRequest } from '@/lib/platform/pagination/query'
import * as repository from './repository'
import type { ListPostsQuery, Post, PostChanges, PostContent } from './schema'

/**
 * Checks that `familyId` is given exactly for visibility `family`, and that the author is a member of the family unless the
 * post is in it already: the post stays when the author leaves. An unknown family is reported like one of other users.
 * @throws VALIDATION_ERROR
 */
async function assertValidVisibility(
  authorId: number,
  { visibility, familyId }: Pick<PostContent, 'visibility' | 'familyId'>,
  currentFamilyId: number | null = null,
): Promise<void> {
  const invalid = (message: string) => validationError({ familyId: [message] })
  if (visibility !== 'family') {
    if (familyId !== null) throw invalid('is only allowed when visibility is "family"')
    return
  }
  if (familyId === null) throw invalid('is required when visibility is "family"')
  if (familyId === currentFamilyId) return
  if (!(await isMember({ familyId, userId: authorId })))
    throw invalid('must be a family that the author is a member of')
}

function assertMayChange(actor: Actor, post: Post, precondition: Precondition | undefined): void {
  if (actor.userId !== post.author.id && actor.role !== 'admin') throw new AppError('FORBIDDEN')
  precondition?.(post)
}

/** Returns who may see a post. The same rule as `visiblePostsWhere`. */
function audienceOf({ visibility, familyId, author }: Post): Audience {
  if (visibility === 'public') return { everyone: true }
  return { admins: true, userIds: [author.id], memberOf: familyId }
}

/**
 * Locks a post and, before it, the memberships of its family and of the one that it moves to, so that its events reach
 * exactly their members. Lock order: families, then posts, then users.
 * @throws NOT_FOUND when the post does not exist or the caller may not see it
 */
async function lockPost(actor: Actor, id: number, newFamilyId?: number | null): Promise<Post> {
  const familyIds = [await repository.findFamilyId(id), newFamilyId].filter((familyId) => typeof familyId === 'number')
  await lockMemberships(familyIds)
  await repository.lockPost(id)
  const post = await repository.findPost(actor, id)
  // It moved between the two statements. Out of order, but a deadlock is only a repetition.
  if (post.familyId !== null && !familyIds.includes(post.familyId)) await lockMemberships([post.familyId])
  return post
}

/** Lists the posts that the caller may see, newest first. */
export async function listPosts(actor: Actor | undefined, query: ListPostsQuery): Promise<List<Post>> {
  return repository.listPosts(actor, query, query)
}

/**
 * Lists those posts of a user that the caller may see, newest first.
 * @throws NOT_FOUND when the user does not exist
 */
export async function listPostsOf(actor: Actor, authorId: number, request: ListRequest): Promise<List<Post>> {
  if (!(await repository.authorExists(authorId))) throw new AppError('NOT_FOUND')
  return repository.listPosts(actor, { authorId }, request)
}

/**
 * Returns a post.
 * @throws NOT_FOUND when it does not exist or the caller may not see it
 */
export async function getPost(actor: Actor | undefined, id: number): Promise<Post> {
  return repository.findPost(actor, id)
}

/**
 * Creates a post with the caller as its author.
 * @throws VALIDATION_ERROR when the visibility and the family do not fit
 * @throws UNAUTHORIZED when the caller's account was deleted meanwhile
 * @throws QUOTA_EXCEEDED when the caller has `POSTS_PER_USER` posts
 */
export async function createPost(actor: Actor, content: PostContent): Promise<Post> {
  return inTransaction(async () => {
    // Before any other lock, so that those who wait for it hold none.
    await assertRowQuota({ name: 'posts', ownerId: actor.userId, max: config().postsPerUser }, () =>
      repository.countPosts(actor.userId),
    )
    await assertValidVisibility(actor.userId, content)
    const post = await repository.insertPost(actor, content)
    const audience = audienceOf(post)
    await recordChange({ type: 'post.created', actorId: actor.userId, id: post.id, data: post, audience })
    return post
  })
}

/**
 * Updates a post. Another visibility takes it out of its family unless a family is given.
 * @throws NOT_FOUND when it does not exist or the caller may not see it
 * @throws FORBIDDEN when the caller is neither the author nor an admin
 * @throws VALIDATION_ERROR when the resulting visibility and family do not fit
 * @throws PRECONDITION_FAILED when the precondition rejects the current post
 */
export async function updatePost(
  actor: Actor,
  id: number,
  changes: PostChanges,
  precondition?: Precondition,
): Promise<Post> {
  return inTransaction(async () => {
    const current = await lockPost(actor, id, changes.familyId)
    assertMayChange(actor, current, precondition)
    const { title = current.title, content = current.content, visibility = current.visibility } = changes
    const { familyId = visibility === 'family' ? current.familyId : null } = changes
    const updated = { title, content, visibility, familyId }
    await assertValidVisibility(current.author.id, updated, current.familyId)
    const post = await repository.updatePost(actor, id, updated)
    await recordChange({
      type: 'post.updated',
      actorId: actor.userId,
      id,
      data: post,
      audience: audienceOf(post),
      previousAudience: audienceOf(current),
    })
    return post
  })
}

/** Deletes a post. Throws like `updatePost`. */
export async function deletePost(actor: Actor, id: number, precondition?: Precondition): Promise<void> {
  await inTransaction(async () => {
    const post = await lockPost(actor, id)
    assertMayChange(actor, post, precondition)
    await repository.deletePost(id)
    await recordChange({ type: 'post.deleted', actorId: actor.userId, id, data: null, audience: audienceOf(post) })
  })
}

/** Records the deletion of all posts of a user whose account is about to be deleted, in the surrounding transaction. */
export async function recordPostDeletionsOf(authorId: number, actorId: number): Promise<void> {
  await lockMemberships(await repository.findFamilyIdsOf(authorId))
  await recordPostDeletions(actorId, { authorId })
}
