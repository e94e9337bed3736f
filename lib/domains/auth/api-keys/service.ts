import { LRUCache } from 'lru-cache'
import { config } from '@/lib/config'
import { recordEvent } from '@/lib/domains/audit/service'
import { confirmActor } from '@/lib/domains/auth/sessions/service'
import { AppError } from '@/lib/errors'
import { hashOpaqueToken, newOpaqueToken } from '@/lib/platform/crypto/opaque-token'
import { inTransaction } from '@/lib/platform/db/transaction'
import type { Actor, ClientInfo, SessionActor } from '@/lib/platform/identity/actor'
import { evictApiKey, getCachedActor, peekCachedActor } from '@/lib/platform/identity/credential-cache'
import { enqueueMail } from '@/lib/platform/mail/enqueue-mail'
import { networkOf } from '@/lib/platform/network'
import { processSingleton } from '@/lib/process-singleton'
import * as repository from './repository'
import type { ApiKey, CreatedApiKey, NewApiKey } from './schema'

const API_KEY = /^hk_[A-Za-z0-9_-]{43}$/

/** Length of the stored prefix that identifies a key to its owner: `hk_` and 8 of the 43 random characters. */
const PREFIX_LENGTH = 11

/** Maximum number of keys per user. */
export const API_KEYS_MAX = 50

/** Returns whether a bearer token has the prefix of API keys. */
export function looksLikeApiKey(token: string): boolean {
  return token.startsWith('hk_')
}

/** Unknown keys of one address per minute that are looked up; each of them costs a query. */
const UNKNOWN_KEYS_MAX = 20

const unknownKeys = processSingleton(
  'unknown-api-keys',
  () => new LRUCache<string, { count: number }>({ max: 50_000, ttl: 60_000 }),
)

/**
 * Returns the actor of an API key, or undefined when it is expired, revoked or unknown.
 * @throws RATE_LIMITED when the client's address has sent too many unknown keys, and this one was not used recently
 */
export async function apiKeyActor(key: string, ip: string): Promise<Actor | undefined> {
  if (!API_KEY.test(key)) return undefined
  const hash = hashOpaqueToken(key)
  const cacheKey = Buffer.from(hash).toString('base64url')
  const cached = peekCachedActor(cacheKey)
  if (cached !== undefined) return cached
  const isBounded = config().rateLimits.general.maxRequests > 0
  const network = networkOf(ip)
  const unknown = unknownKeys().get(network) ?? { count: 0 }
  if (isBounded && unknown.count >= UNKNOWN_KEYS_MAX) {
    const seconds = Math.ceil(unknownKeys().getRemainingTTL(network) / 1000)
    throw new AppError('RATE_LIMITED', { headers: { 'Retry-After': String(Math.max(1, seconds)) } })
  }
  // Counted before the query and refunded, so that concurrent ones cannot slip through.
  unknown.count += 1
  if (!unknownKeys().has(network)) unknownKeys().set(network, unknown)
  let isUnknown = false
  try {
    const actor = await getCachedActor(cacheKey, () => repository.findApiKeyActor(hash))
    isUnknown = actor === undefined
    return actor
  } finally {
    if (!isUnknown) unknown.count -= 1
  }
}

/**
 * Creates an API key for the caller, who is notified by e-mail. Only this result contains the key itself.
 * @throws UNAUTHORIZED when the caller's session was revoked or their account deleted meanwhile
 * @throws REAUTHENTICATION_REQUIRED when the caller's last proof of identity is too old
 * @throws QUOTA_EXCEEDED when the caller has `API_KEYS_MAX` keys
 */
export async function createApiKey(owner: SessionActor, input: NewApiKey, client: ClientInfo): Promise<CreatedApiKey> {
  const key = `hk_${newOpaqueToken()}`
  const { userId } = owner
  const row = { ...input, userId, prefix: key.slice(0, PREFIX_LENGTH), hash: hashOpaqueToken(key) }
  return inTransaction(async () => {
    await confirmActor(owner, { recent: true })
    if ((await repository.countApiKeys(userId)) >= API_KEYS_MAX) {
      throw new AppError('QUOTA_EXCEEDED', { message: `A user can have at most ${API_KEYS_MAX} API keys.` })
    }
    const apiKey = await repository.insertApiKey(row)
    const details = { apiKeyId: apiKey.id, prefix: apiKey.prefix, scopes: apiKey.scopes }
    await recordEvent({ action: 'api_key_created', actorId: userId, client, details })
    const email = await repository.findEmail(userId)
    if (email !== undefined) await enqueueMail({ to: email, content: { template: 'api-key-created' } })
    return { ...apiKey, key }
  })
}

/**
 * Lists the keys of a user, by default the caller, newest first.
 * @throws FORBIDDEN when the caller is neither that user nor an admin
 */
export async function listApiKeys(actor: SessionActor, ownerId: number = actor.userId): Promise<ApiKey[]> {
  if (ownerId !== actor.userId && actor.role !== 'admin') throw new AppError('FORBIDDEN')
  return repository.listApiKeys(ownerId)
}

/**
 * Revokes one of the caller's keys, or any key if the caller is an admin, immediately.
 * @throws NOT_FOUND when there is no such key
 * @throws REAUTHENTICATION_REQUIRED when the caller's last proof of identity is too old
 */
export async function deleteApiKey(actor: SessionActor, id: string, client: ClientInfo): Promise<void> {
  await inTransaction(async () => {
    const { role } = await confirmActor(actor, { recent: true })
    const ownerId = await repository.deleteApiKey(id, role === 'admin' ? null : actor.userId)
    const details = { apiKeyId: id, ownerId }
    await recordEvent({ action: 'api_key_ended', actorId: actor.userId, client, details })
  })
  await evictApiKey(id)
}

/**
 * Revokes all keys of a user as part of the surrounding transaction, records the event, and returns their number. The
 * caller calls `evictUser` after the commit.
 */
export async function revokeApiKeys(
  userId: number,
  client: ClientInfo,
  details: { by?: 'operator' } = {},
): Promise<number> {
  const count = await repository.deleteApiKeys(userId)
  if (count > 0) {
    await recordEvent({ action: 'api_keys_revoked', actorId: userId, client, details: { count, ...details } })
  }
  return count
}
