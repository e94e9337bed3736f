import type { Actor } from '@/lib/auth/actor'
import { Prisma } from '@/prisma/generated/client'

/** What a list is narrowed to. */
export type PostFilters = { authorId?: number; familyId?: number }

/**
 * The posts that whoever asks may see, as a relation to stand after FROM: the public ones; their own, whatever has become
 * of the membership; those of the families that they belong to; all of them for an admin. The one place that says so.
 *
 * The parts exclude each other, and each is one range of an index in the order of time: PostgreSQL merges them for a
 * list and adds them up for a count, where an OR of the same conditions would make it read all posts. Parts that the
 * filters rule out are left out; the filters themselves are the caller's to apply.
 */
export function postsSeenBy(actor: Actor | undefined, filters: PostFilters = {}): Prisma.Sql {
  if (actor?.role === 'admin') return Prisma.sql`posts`
  const { userId } = actor ?? {}
  const parts: Prisma.Sql[] = []
  const isOwnList = userId !== undefined && filters.authorId === userId
  if (filters.familyId === undefined && !isOwnList) parts.push(Prisma.sql`visibility = 'public'`)
  if (userId !== undefined) {
    if (isOwnList) parts.push(Prisma.sql`author_id = ${userId}`)
    else if (filters.authorId === undefined) parts.push(Prisma.sql`author_id = ${userId} AND visibility <> 'public'`)
    if (!isOwnList)
      parts.push(
        Prisma.sql`family_id = ANY(ARRAY(SELECT family_id FROM memberships WHERE user_id = ${userId}))
          AND author_id <> ${userId}`,
      )
  }
  if (parts.length === 0) parts.push(Prisma.sql`FALSE`)
  const selects = parts.map((condition) => Prisma.sql`SELECT * FROM posts WHERE ${condition}`)
  return Prisma.sql`(${Prisma.join(selects, ' UNION ALL ')})`
}
