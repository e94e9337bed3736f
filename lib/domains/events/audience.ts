import type { Actor } from '@/lib/platform/identity/actor'
import { Prisma } from '@/prisma/generated/client'

/** Who may read a subject. Members and owners of families are those at the moment of the change. */
export type Audience = {
  everyone?: boolean
  admins?: boolean
  userIds?: readonly number[]
  /** The members of this family. */
  memberOf?: number | null
  /** The owners of this family. */
  ownerOf?: number
}

/** The audience of a stored event. */
export type StoredAudience = {
  everyone: boolean
  admins: boolean
  userIds: readonly number[] | null
  exceptAdmins: boolean
  exceptUserIds: readonly number[] | null
}

/** Returns whether `after` includes all of `before`, without looking at memberships. */
export function includesAll(after: Audience, before: Audience): boolean {
  if (after.everyone === true) return true
  if (before.everyone === true || (before.admins === true && after.admins !== true)) return false
  const sameFamily = (before.memberOf ?? after.memberOf) === after.memberOf && before.ownerOf === after.ownerOf
  return sameFamily && (before.userIds ?? []).every((id) => after.userIds?.includes(id))
}

/** Returns the ids of an audience, as SQL that selects rows of one column. */
export function userIdsSql({ userIds = [], memberOf = null, ownerOf }: Audience): Prisma.Sql {
  return Prisma.sql`
    SELECT unnest(${[...userIds]}::int[])
    UNION SELECT user_id FROM memberships WHERE family_id = ${memberOf}::int
    UNION SELECT user_id FROM memberships WHERE family_id = ${ownerOf ?? null}::int AND role = 'owner'`
}

type Reader = Pick<Actor, 'userId' | 'role'>

/** Returns the condition for events that the reader may receive. `includes` is the same in memory. */
export function audienceWhere({ userId, role }: Reader): Prisma.Sql {
  const [isAdmin, exceptAdmins] =
    role === 'admin' ? [Prisma.sql`OR admins`, Prisma.sql`AND NOT except_admins`] : [Prisma.empty, Prisma.empty]
  return Prisma.sql`
    (everyone ${isAdmin} OR user_ids @> ARRAY[${userId}::int]) ${exceptAdmins}
    AND (except_user_ids IS NULL OR NOT except_user_ids @> ARRAY[${userId}::int])`
}

/** Returns the function that tells whether a reader may receive an event. Constant time, also for large audiences. */
export function includes(audience: StoredAudience): (reader: Reader) => boolean {
  const userIds = new Set(audience.userIds)
  const exceptUserIds = new Set(audience.exceptUserIds)
  return ({ userId, role }) => {
    const isAdmin = role === 'admin'
    if ((isAdmin && audience.exceptAdmins) || exceptUserIds.has(userId)) return false
    return audience.everyone || (isAdmin && audience.admins) || userIds.has(userId)
  }
}
