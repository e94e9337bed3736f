import type { LiveCredential } from '@/lib/platform/identity/credential-cache'
import { isScope } from '@/lib/platform/identity/scopes'
import { isMissingRow } from '@/lib/platform/db/errors'
import { AppError } from '@/lib/errors'
import { prisma } from '@/lib/platform/db/prisma'
import type { Role } from '@/lib/platform/identity/schema'
import type { Prisma } from '@/prisma/generated/client'
import type { ApiKey, NewApiKey } from './schema'

/** `last_used_at` is updated at most this often (ms), so that most requests do not write. */
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

/** @throws UNAUTHORIZED when the owner's account was deleted */
export async function insertApiKey(
  key: NewApiKey & { userId: number; prefix: string; hash: Uint8Array<ArrayBuffer> },
): Promise<ApiKey> {
  try {
    return toApiKey(await prisma().apiKey.create({ data: key, select: apiKeyColumns }))
  } catch (error) {
    if (isMissingRow(error)) throw new AppError('UNAUTHORIZED', { cause: error })
    throw error
  }
}

export async function findEmail(userId: number): Promise<string | undefined> {
  return (await prisma().user.findUnique({ where: { id: userId }, select: { email: true } }))?.email
}

/** Counts the keys of a user, which `confirmActor` has locked, so that keys are created one after the other. */
export async function countApiKeys(userId: number): Promise<number> {
  return prisma().apiKey.count({ where: { userId } })
}

export async function listApiKeys(userId: number): Promise<ApiKey[]> {
  const rows = await prisma().apiKey.findMany({
    where: { userId },
    orderBy: [{ createdAt: 'desc' }, { id: 'desc' }],
    select: apiKeyColumns,
  })
  return rows.map(toApiKey)
}

/**
 * Deletes a key, of one user only if there is an `ownerId`, and returns its owner.
 * @throws NOT_FOUND when there is no such key
 */
export async function deleteApiKey(id: string, ownerId: number | null): Promise<number> {
  const [key] = await prisma().$queryRaw<{ userId: number }[]>`
    DELETE FROM api_keys WHERE id = ${id}::uuid AND (${ownerId}::int IS NULL OR user_id = ${ownerId}::int)
    RETURNING user_id AS "userId"`
  if (key === undefined) throw new AppError('NOT_FOUND')
  return key.userId
}

/** Deletes all keys of a user and returns their number. Locks them by id, so that concurrent calls cannot deadlock. */
export async function deleteApiKeys(userId: number): Promise<number> {
  return prisma().$executeRaw`
    DELETE FROM api_keys WHERE id IN (SELECT id FROM api_keys WHERE user_id = ${userId} ORDER BY id FOR UPDATE)`
}

type ActorRow = {
  id: string
  scopes: string[]
  expiresAt: Date | null
  lastUsedAt: Date | null
  userId: number
  role: Role
}

/**
 * Finds the actor of an unexpired key and updates `last_used_at` at most once a minute. Key and owner are read in one
 * statement because the owner may be deleted between two.
 */
export async function findApiKeyActor(hash: Uint8Array<ArrayBuffer>): Promise<LiveCredential | undefined> {
  const now = Date.now()
  const [row] = await prisma().$queryRaw<ActorRow[]>`
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
