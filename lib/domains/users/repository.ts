import { AppError } from '@/lib/errors'
import { prisma } from '@/lib/platform/db/prisma'
import { userColumns } from '@/lib/platform/identity/user-columns'
import { containing, integerColumn, textColumn, timestampColumn } from '@/lib/platform/pagination/keyset'
import { paginate } from '@/lib/platform/pagination/paginate'
import type { List } from '@/lib/platform/pagination/query'
import { Prisma } from '@/prisma/generated/client'
import type { ListUsersQuery, User } from './schema'

/** @throws NOT_FOUND when the user does not exist */
export async function findUser(id: number): Promise<User> {
  const user = await prisma().user.findUnique({ where: { id }, select: userColumns })
  if (user === null) throw new AppError('NOT_FOUND')
  return user
}

const userList = {
  name: 'users',
  from: Prisma.sql`"users"`,
  id: integerColumn('"id"'),
  fields: {
    name: textColumn('"name"', { nullable: true }),
    email: textColumn('"email"'),
    createdAt: timestampColumn('"created_at"'),
  },
  unique: ['email'],
} as const

/** Lists users, by id by default. `q` matches a part of the name or the e-mail address, ignoring case. */
export async function listUsers(query: ListUsersQuery): Promise<List<User>> {
  const where: Prisma.Sql[] = []
  if (query.role !== undefined) where.push(Prisma.sql`"role" = ${query.role}::"Role"`)
  if (query.q !== undefined) {
    const pattern = containing(query.q)
    where.push(Prisma.sql`("name" ILIKE ${pattern} OR "email" ILIKE ${pattern})`)
  }
  return paginate(userList, query, {
    where,
    rows: (ids) => prisma().user.findMany({ where: { id: { in: ids } }, select: userColumns }),
    getId: (user) => user.id,
  })
}
