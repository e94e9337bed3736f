import type { Actor } from '@/lib/platform/identity/actor'
import { Prisma } from '@/prisma/generated/client'

/** What a list is narrowed to. */
export type PostFilters = { authorId?: number; familyId?: number }

/**
 * The posts `p` that whoever asks may see, as conditions that exclude each other, of which one must hold: the public
 * ones; their own, whatever has become of the membership; those of the families that they belong to; all of them for an
 * admin. The one place that says so.
 *
 * Each is one range of an index in the order of time. Conditions that the filters rule out are left out; the filters
 * themselves are the caller's to apply.
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
