import { insertAuditEvent } from '@/lib/domains/audit/repository'
import type { ClientInfo, SessionActor } from '@/lib/platform/identity/actor'
import type { LiveCredential } from '@/lib/platform/identity/credential-cache'
import { isScope } from '@/lib/platform/identity/scopes'
import { isMissingRow } from '@/lib/platform/db/errors'
import { AppError } from '@/lib/errors'
import { prisma } from '@/lib/platform/db/prisma'
import type { Role } from '@/lib/platform/identity/schema'
import { inTransaction } from '@/lib/platform/db/transaction'
import type { Prisma } from '@/prisma/generated/client'
import type { ApiKey, NewApiKey } from './schema'

/** How old `last_used_at` may be before a use is written down again (milliseconds): to the minute is enough. */
const LAST_USE_INTERVAL_MS = 60_000

const apiKeyColumns = {
  id: true,
  name: true,
  prefix: true,
  scopes: true,
  expiresAt: true,
  lastUsedAt: true,
  createdAt: true,
} satisfies Prisma.ApiKeySelect

type Row = Prisma.ApiKeyGetPayload<{ select: typeof apiKeyColumns }>

function toApiKey(row: Row): ApiKey {
  return { ...row, scopes: row.scopes.filter(isScope) }
}

/** Keeps a key and the event of it. UNAUTHORIZED when the owner is gone. */
export async function insertApiKey(
  owner: SessionActor,
  key: NewApiKey & { prefix: string; hash: Uint8Array<ArrayBuffer> },
  origin: ClientInfo,
): Promise<ApiKey> {
  try {
    return await inTransaction(async (transaction) => {
      const row = await transaction.apiKey.create({ data: { ...key, userId: owner.userId }, select: apiKeyColumns })
      const details = { apiKeyId: row.id, prefix: row.prefix, scopes: row.scopes }
      await insertAuditEvent({ action: 'api_key_created', actorId: owner.userId, origin, details })
      return toApiKey(row)
    })
  } catch (error) {
    if (isMissingRow(error)) throw new AppError('UNAUTHORIZED', { cause: error })
    throw error
  }
}

/** The keys of a user, newest first. */
export async function listApiKeys(userId: number): Promise<ApiKey[]> {
  const rows = await prisma().apiKey.findMany({
    where: { userId },
    orderBy: [{ createdAt: 'desc' }, { id: 'desc' }],
    select: apiKeyColumns,
  })
  return rows.map(toApiKey)
}

/** NOT_FOUND when the user has no such key. */
export async function deleteApiKey(owner: SessionActor, id: string, origin: ClientInfo): Promise<void> {
  await inTransaction(async (transaction) => {
    const { count } = await transaction.apiKey.deleteMany({ where: { id, userId: owner.userId } })
    if (count === 0) throw new AppError('NOT_FOUND')
    const event = { action: 'api_key_ended', actorId: owner.userId, origin, details: { apiKeyId: id } } as const
    await insertAuditEvent(event)
  })
}

type Owned = {
  id: string
  scopes: string[]
  expiresAt: Date | null
  lastUsedAt: Date | null
  userId: number
  role: Role
}

/**
 * Whom a key that has not expired speaks for, by its hash; that it was used is written down now and then. One statement:
 * the client would read key and owner in two, and the owner may be deleted in between.
 */
export async function findApiKeyActor(hash: Uint8Array<ArrayBuffer>): Promise<LiveCredential | undefined> {
  const now = Date.now()
  const [row] = await prisma().$queryRaw<Owned[]>`
    SELECT k.id, k.scopes, k.expires_at AS "expiresAt", k.last_used_at AS "lastUsedAt",
      u.id AS "userId", u.role::text AS role
    FROM api_keys k JOIN users u ON u.id = k.user_id
    WHERE k.hash = ${hash} AND (k.expires_at IS NULL OR k.expires_at > now())`
  if (row === undefined) return undefined
  const { id: apiKeyId, userId, role, expiresAt, lastUsedAt } = row
  if (lastUsedAt === null || now - lastUsedAt.getTime() > LAST_USE_INTERVAL_MS) {
    await prisma().apiKey.updateMany({ where: { id: apiKeyId }, data: { lastUsedAt: new Date(now) } })
  }
  const scopes = new Set(row.scopes.filter(isScope))
  return { actor: { credential: 'apiKey', userId, role, apiKeyId, scopes }, expiresAt }
}
