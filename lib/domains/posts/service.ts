import type { Actor } from '@/lib/platform/identity/actor'
import type { Precondition } from '@/lib/platform/etag'
import { AppError, validationError } from '@/lib/errors'
import type { FamilyTransaction } from '@/lib/domains/families/repository'
import { isMember } from '@/lib/domains/families/service'
import type { List, ListRequest } from '@/lib/platform/pagination/query'
import * as repository from './repository'
import type { ListPostsQuery, Post, PostChanges, PostContent } from './schema'

type Place = Pick<PostContent, 'visibility' | 'familyId'>

/**
 * A family goes with the visibility `family` alone, and the author is a member when the post comes there; a post stays
 * when its author leaves. A family that is not there and one of others are one answer.
 */
async function assertValidVisibility(
  transaction: FamilyTransaction,
  authorId: number,
  place: Place,
  present?: Place,
): Promise<void> {
  const refuse = (message: string) => validationError({ familyId: [message] })
  const { visibility, familyId } = place
  if (visibility !== 'family') {
    if (familyId !== null) throw refuse('goes with the visibility family alone')
    return
  }
  if (familyId === null) throw refuse('is required for the visibility family')
  if (present?.familyId === familyId) return
  if (!(await isMember({ familyId, userId: authorId }, transaction)))
    throw refuse('must be a family that the author belongs to')
}

/** A post is its author's and the admins' to change. */
function assertMayChange(actor: Actor, post: Post): void {
  if (actor.userId !== post.author.id && actor.role !== 'admin') throw new AppError('FORBIDDEN')
}

/** The posts that whoever asks may see, newest first. */
export async function listPosts(actor: Actor | undefined, query: ListPostsQuery): Promise<List<Post>> {
  return repository.listPosts(actor, query, query)
}

/** A user's posts as far as whoever asks may see them, newest first. NOT_FOUND for an unknown user. */
export async function listPostsOf(actor: Actor, authorId: number, request: ListRequest): Promise<List<Post>> {
  if (!(await repository.authorExists(authorId))) throw new AppError('NOT_FOUND')
  return repository.listPosts(actor, { authorId }, request)
}

/** NOT_FOUND for whoever may not see it. */
export async function getPost(actor: Actor | undefined, id: number): Promise<Post> {
  return repository.findPost(actor, id)
}

/** VALIDATION_ERROR for a family that the author does not belong to. */
export async function createPost(actor: Actor, content: PostContent): Promise<Post> {
  return repository.insertPost(actor, content, (transaction) =>
    assertValidVisibility(transaction, actor.userId, content),
  )
}

/**
 * Changes a post. Another visibility takes it out of its family unless a family is named.
 * NOT_FOUND for whoever may not see it, FORBIDDEN for whoever may but is neither its author nor an admin; PRECONDITION_FAILED.
 */
export async function updatePost(
  actor: Actor,
  id: number,
  changes: PostChanges,
  precondition?: Precondition,
): Promise<Post> {
  return repository.updatePost(actor, { id, familyId: changes.familyId }, async (transaction, present) => {
    assertMayChange(actor, present)
    precondition?.(present)
    const visibility = changes.visibility ?? present.visibility
    const kept = visibility === 'family' ? present.familyId : null
    const place = { visibility, familyId: changes.familyId === undefined ? kept : changes.familyId }
    await assertValidVisibility(transaction, present.author.id, place, present)
    const { title = present.title, content = present.content } = changes
    return { title, content, ...place }
  })
}

/** NOT_FOUND, FORBIDDEN, PRECONDITION_FAILED. */
export async function deletePost(actor: Actor, id: number, precondition?: Precondition): Promise<void> {
  return repository.deletePost(actor, id, (present) => {
    assertMayChange(actor, present)
    precondition?.(present)
  })
}
