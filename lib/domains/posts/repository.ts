import type { Actor } from '@/lib/platform/identity/actor'
import { isMissingRow } from '@/lib/platform/db/errors'
import { AppError } from '@/lib/errors'
import { integerColumn, timestampColumn } from '@/lib/platform/pagination/keyset'
import type { List, ListRequest } from '@/lib/platform/pagination/query'
import { prisma } from '@/lib/platform/db/prisma'
import { paginate } from '@/lib/platform/pagination/paginate'
import { lockRow } from '@/lib/platform/db/transaction'
import { Prisma } from '@/prisma/generated/client'
import { visiblePostsWhere, type PostFilters } from './visibility'
import type { Post, PostContent } from './schema'

const postList = {
  name: 'posts',
  from: Prisma.sql`posts AS p`,
  id: integerColumn('p.id'),
  fields: { createdAt: timestampColumn('p.created_at') },
  order: [{ field: 'createdAt', direction: 'desc' }],
  bytes: Prisma.sql`octet_length(p.title) + octet_length(p.content)`,
} as const

/**
 * Returns the posts among `ids` that the actor may see, in any order. Authorization and read are one statement, so a post
 * that is being made private is never leaked.
 */
async function findPosts(actor: Actor | undefined, ids: readonly number[]): Promise<Post[]> {
  return prisma().$queryRaw<Post[]>`
    SELECT p.id, p.title, p.content, p.visibility::text AS visibility, p.family_id AS "familyId",
      json_build_object('id', u.id, 'name', u.name) AS author, p.created_at AS "createdAt", p.updated_at AS "updatedAt"
    FROM posts AS p JOIN users AS u ON u.id = p.author_id
    WHERE p.id = ANY(${ids}) AND ((${Prisma.join(visiblePostsWhere(actor), ') OR (')}))`
}

/**
 * Returns a post.
 * @throws NOT_FOUND when it does not exist or the actor may not see it
 */
export async function findPost(actor: Actor | undefined, id: number): Promise<Post> {
  const [post] = await findPosts(actor, [id])
  if (post === undefined) throw new AppError('NOT_FOUND')
  return post
}

/** Lists the posts that the actor may see, newest first. */
export async function listPosts(
  actor: Actor | undefined,
  filters: PostFilters & { q?: string },
  request: ListRequest,
): Promise<List<Post>> {
  const { q, authorId, familyId } = filters
  const where: Prisma.Sql[] = []
  if (authorId !== undefined) where.push(Prisma.sql`p.author_id = ${authorId}`)
  if (familyId !== undefined) where.push(Prisma.sql`p.family_id = ${familyId}`)
  if (q !== undefined) where.push(Prisma.sql`p.search @@ plainto_tsquery('simple', tokenize(${q}))`)
  return paginate(postList, request, {
    where,
    disjointBranches: visiblePostsWhere(actor, filters),
    rows: (ids) => findPosts(actor, ids),
    getId: (post) => post.id,
  })
}

export async function countPosts(authorId: number): Promise<number> {
  return prisma().post.count({ where: { authorId } })
}

/** Returns whether a user exists. */
export async function authorExists(id: number): Promise<boolean> {
  return (await prisma().user.findUnique({ where: { id }, select: { id: true } })) !== null
}

/** Returns the family of a post, null if it has none; undefined if the post does not exist. */
export async function findFamilyId(id: number): Promise<number | null | undefined> {
  return (await prisma().post.findUnique({ where: { id }, select: { familyId: true } }))?.familyId
}

/** Returns the families in which a user has posts. */
export async function findFamilyIdsOf(authorId: number): Promise<number[]> {
  const rows = await prisma().$queryRaw<{ id: number }[]>`
    SELECT DISTINCT family_id AS id FROM posts WHERE author_id = ${authorId} AND family_id IS NOT NULL`
  return rows.map(({ id }) => id)
}

/** Locks a post against changes until the end of the transaction. Does nothing if it does not exist. */
export async function lockPost(id: number): Promise<void> {
  await lockRow('posts', id)
}

/**
 * Inserts a post with the actor as its author.
 * @throws UNAUTHORIZED when the actor's account does not exist
 */
export async function insertPost(actor: Actor, content: PostContent): Promise<Post> {
  try {
    const data = { ...content, authorId: actor.userId }
    const { id } = await prisma().post.create({ data, select: { id: true } })
    return await findPost(actor, id)
  } catch (error) {
    if (isMissingRow(error)) throw new AppError('UNAUTHORIZED', { cause: error })
    throw error
  }
}

export async function updatePost(actor: Actor, id: number, content: PostContent): Promise<Post> {
  await prisma().post.update({ where: { id }, data: content, select: { id: true } })
  return findPost(actor, id)
}

export async function deletePost(id: number): Promise<void> {
  await prisma().post.delete({ where: { id }, select: { id: true } })
}
