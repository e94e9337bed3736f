import type { Actor } from '@/lib/platform/identity/actor'
import { isMissingRow } from '@/lib/platform/db/errors'
import { AppError } from '@/lib/errors'
import { integerKey, timestampKey } from '@/lib/platform/pagination/keyset'
import type { List, ListRequest } from '@/lib/platform/pagination/query'
import { prisma } from '@/lib/platform/db/prisma'
import { paginate } from '@/lib/platform/pagination/paginate'
import { inTransaction } from '@/lib/platform/db/transaction'
import { Prisma } from '@/prisma/generated/client'
import { visiblePostsWhere, type PostFilters } from './visibility'
import type { Post, PostContent } from './schema'

const postList = {
  name: 'posts',
  from: Prisma.sql`posts AS p`,
  id: integerKey('p.id'),
  fields: { createdAt: timestampKey('p.created_at') },
  order: [{ field: 'createdAt', direction: 'desc' }],
} as const

/**
 * Those of the posts that whoever asks may see, in any order. Seeing and reading are one statement, so that a post which
 * is being hidden is either read as it was or not at all.
 */
async function readPosts(
  actor: Actor | undefined,
  ids: readonly number[],
  transaction: Prisma.TransactionClient = prisma(),
): Promise<Post[]> {
  return transaction.$queryRaw<Post[]>`
    SELECT p.id, p.title, p.content, p.visibility::text AS visibility, p.family_id AS "familyId",
      json_build_object('id', u.id, 'name', u.name) AS author, p.created_at AS "createdAt", p.updated_at AS "updatedAt"
    FROM posts AS p JOIN users AS u ON u.id = p.author_id
    WHERE p.id = ANY(${ids}) AND ((${Prisma.join(visiblePostsWhere(actor), ') OR (')}))`
}

/** NOT_FOUND for whoever may not see it. */
export async function findPost(
  actor: Actor | undefined,
  id: number,
  transaction: Prisma.TransactionClient = prisma(),
): Promise<Post> {
  const [post] = await readPosts(actor, [id], transaction)
  if (post === undefined) throw new AppError('NOT_FOUND')
  return post
}

/** Part of the posts that whoever asks may see, newest first. */
export async function listPosts(
  actor: Actor | undefined,
  filters: PostFilters & { q?: string },
  request: ListRequest,
): Promise<List<Post>> {
  const { q, authorId, familyId } = filters
  const where: Prisma.Sql[] = []
  if (authorId !== undefined) where.push(Prisma.sql`p.author_id = ${authorId}`)
  if (familyId !== undefined) where.push(Prisma.sql`p.family_id = ${familyId}`)
  if (q !== undefined)
    where.push(
      Prisma.sql`to_tsvector('simple', tokenize(p.title || ' ' || p.content)) @@ plainto_tsquery('simple', tokenize(${q}))`,
    )
  return paginate(postList, request, {
    where,
    parts: visiblePostsWhere(actor, filters),
    rows: (ids) => readPosts(actor, ids),
    getId: (post) => post.id,
  })
}

/** Whether there is such a user, whose posts a list may be asked for. */
export async function authorExists(id: number): Promise<boolean> {
  return (await prisma().user.findUnique({ where: { id }, select: { id: true } })) !== null
}

/** A transaction in which the family that a post is to go to cannot be deleted. */
async function withFamilyLocked<T>(
  familyId: number | null | undefined,
  work: (transaction: Prisma.TransactionClient) => Promise<T>,
): Promise<T> {
  return inTransaction(async (transaction) => {
    // Taken before the locks on posts and users, as everywhere, so that no two transactions wait for each other.
    if (typeof familyId === 'number')
      await transaction.$queryRaw`SELECT 1 FROM families WHERE id = ${familyId} FOR KEY SHARE`
    return work(transaction)
  })
}

/** Adds a post once `check` has let it pass. NOT_FOUND when the author's account is gone. */
export async function insertPost(
  actor: Actor,
  content: PostContent,
  check: (transaction: Prisma.TransactionClient) => Promise<void>,
): Promise<Post> {
  try {
    return await withFamilyLocked(content.familyId, async (transaction) => {
      await check(transaction)
      const { id } = await transaction.post.create({
        data: { ...content, authorId: actor.userId },
        select: { id: true },
      })
      return findPost(actor, id, transaction)
    })
  } catch (error) {
    if (isMissingRow(error)) throw new AppError('NOT_FOUND', { cause: error })
    throw error
  }
}

/**
 * Changes a post that nobody else changes meanwhile into what `settle` makes of it. `familyId` is the family that the
 * change names, if any. NOT_FOUND for whoever may not see the post.
 */
export async function updatePost(
  actor: Actor,
  target: { id: number; familyId: number | null | undefined },
  settle: (transaction: Prisma.TransactionClient, present: Post) => Promise<PostContent>,
): Promise<Post> {
  const { id } = target
  return withFamilyLocked(target.familyId, async (transaction) => {
    await transaction.$queryRaw`SELECT 1 FROM posts WHERE id = ${id} FOR NO KEY UPDATE`
    const content = await settle(transaction, await findPost(actor, id, transaction))
    await transaction.post.update({ where: { id }, data: content, select: { id: true } })
    return findPost(actor, id, transaction)
  })
}

/** Removes a post that nobody else changes meanwhile once `check` has let it pass. NOT_FOUND as for `updatePost`. */
export async function deletePost(actor: Actor, id: number, check: (present: Post) => void): Promise<void> {
  await inTransaction(async (transaction) => {
    await transaction.$queryRaw`SELECT 1 FROM posts WHERE id = ${id} FOR UPDATE`
    check(await findPost(actor, id, transaction))
    await transaction.post.delete({ where: { id }, select: { id: true } })
  })
}
