import { prisma, type Queryable } from '@/lib/prisma'
import { userColumns } from '@/lib/users/repository'
import type { User } from '@/lib/users/schema'
import { isUuid } from '@/lib/validation'
import type { LiveCredential } from './live-sessions'

/** The account with an e-mail address and the hash of its password. */
export async function findCredentials(email: string): Promise<{ user: User; hash: string | undefined } | undefined> {
  const row = await prisma().user.findUnique({
    where: { email },
    select: { ...userColumns, password: { select: { hash: true } } },
  })
  if (row === null) return undefined
  const { password, ...user } = row
  return { user, hash: password?.hash }
}

/** Opens a session; `expiresAt` ends it. */
export async function insertSession(session: {
  userId: number
  userAgent: string | null
  ip: string
  expiresAt: Date
}): Promise<string> {
  const { id } = await prisma().session.create({ data: session, select: { id: true } })
  return id
}

/** How old `last_used_at` may be before a use is written down again (milliseconds): to the minute is enough. */
const LAST_USE_INTERVAL_MS = 60_000

/** Who signed in with a session that has not expired; that it was used is written down now and then. */
export async function findSessionActor(sessionId: string): Promise<LiveCredential | undefined> {
  if (!isUuid(sessionId)) return undefined
  const now = Date.now()
  const row = await prisma().session.findUnique({
    where: { id: sessionId, expiresAt: { gt: new Date(now) } },
    select: { expiresAt: true, lastUsedAt: true, user: { select: { id: true, role: true } } },
  })
  if (row === null) return undefined
  if (now - row.lastUsedAt.getTime() > LAST_USE_INTERVAL_MS) {
    await prisma().session.updateMany({ where: { id: sessionId }, data: { lastUsedAt: new Date(now) } })
  }
  const { id: userId, role } = row.user
  return { actor: { credential: 'session', userId, role, sessionId }, expiresAt: row.expiresAt }
}

/** Ends every session of a user, or every other than `except`; as a part of a transaction where one is given. */
export async function deleteSessions(
  userId: number,
  { except, queryable = prisma() }: { except?: string; queryable?: Queryable } = {},
): Promise<void> {
  await queryable.session.deleteMany({ where: { userId, ...(except !== undefined && { id: { not: except } }) } })
}
