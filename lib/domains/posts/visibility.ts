import type { Actor } from '@/lib/platform/identity/actor'
import { Prisma } from '@/prisma/generated/client'

export type PostFilters = { authorId?: number; familyId?: number }

/**
 * Returns the posts `p` that the actor may see, as mutually exclusive conditions of which one must hold: public posts; the
 * actor's own, even after leaving the family; those of the actor's families; all posts for admins. This is the only
 * implementation of the rule.
 *
 * Each condition is one range of an index ordered by time. Conditions that the filters rule out are omitted; the caller
 * applies the filters themselves.
 */
export function visiblePostsWhere(actor: Actor | undefined, filters: PostFilters = {}): Prisma.Sql[] {
  if (actor?.role === 'admin') return [Prisma.sql`TRUE`]
  const isPublic = filters.familyId === undefined ? [Prisma.sql`p.visibility = 'public'`] : []
  if (actor === undefined) return isPublic.length > 0 ? isPublic : [Prisma.sql`FALSE`]
  const { userId } = actor
  if (filters.authorId === userId) return [Prisma.sql`p.author_id = ${userId}`]
  const isOwn = filters.authorId === undefined ? [Prisma.sql`p.author_id = ${userId} AND p.visibility <> 'public'`] : []
  const isOfMyFamily = Prisma.sql`
    p.family_id = ANY(ARRAY(SELECT family_id FROM memberships WHERE user_id = ${userId})) AND p.author_id <> ${userId}`
  return [...isPublic, ...isOwn, isOfMyFamily]
}
