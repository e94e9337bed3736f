import { prisma } from '@/lib/prisma'
import { userColumns } from '@/lib/users/repository'
import type { User } from '@/lib/users/schema'
import type { Actor } from './actor'

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

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** Who signed in with a session that has not expired. */
export async function findActor(sessionId: string): Promise<Actor | undefined> {
  if (!UUID.test(sessionId)) return undefined
  const row = await prisma().session.findUnique({
    where: { id: sessionId, expiresAt: { gt: new Date() } },
    select: { user: { select: { id: true, role: true } } },
  })
  return row === null ? undefined : { userId: row.user.id, role: row.user.role, sessionId }
}
