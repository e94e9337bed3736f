import { recordEvent } from '@/lib/domains/audit/service'
import { hashOpaqueToken, newOpaqueToken } from '@/lib/platform/crypto/opaque-token'
import { inTransaction } from '@/lib/platform/db/transaction'
import type { Actor, ClientInfo, SessionActor } from '@/lib/platform/identity/actor'
import { evictApiKey, getCachedActor } from '@/lib/platform/identity/credential-cache'
import * as repository from './repository'
import type { ApiKey, CreatedApiKey, NewApiKey } from './schema'

const API_KEY = /^hk_[A-Za-z0-9_-]{43}$/

/** Length of the stored prefix that identifies a key to its owner: `hk_` and 8 of the 43 random characters. */
const PREFIX_LENGTH = 11

/** Returns whether a bearer token has the prefix of API keys. */
export function looksLikeApiKey(token: string): boolean {
  return token.startsWith('hk_')
}

/** Returns the actor of an API key, or undefined when it is expired, revoked or unknown. */
export async function apiKeyActor(key: string): Promise<Actor | undefined> {
  if (!API_KEY.test(key)) return undefined
  const hash = hashOpaqueToken(key)
  return getCachedActor(Buffer.from(hash).toString('base64url'), () => repository.findApiKeyActor(hash))
}

/**
 * Creates an API key for the caller. Only this result contains the key itself.
 * @throws UNAUTHORIZED when the caller's account was deleted meanwhile
 */
export async function createApiKey(owner: SessionActor, input: NewApiKey, client: ClientInfo): Promise<CreatedApiKey> {
  const key = `hk_${newOpaqueToken()}`
  const { userId } = owner
  const row = { ...input, userId, prefix: key.slice(0, PREFIX_LENGTH), hash: hashOpaqueToken(key) }
  return inTransaction(async () => {
    const apiKey = await repository.insertApiKey(row)
    const details = { apiKeyId: apiKey.id, prefix: apiKey.prefix, scopes: apiKey.scopes }
    await recordEvent({ action: 'api_key_created', actorId: userId, client, details })
    return { ...apiKey, key }
  })
}

/** Lists the caller's keys, newest first. */
export async function listApiKeys(owner: SessionActor): Promise<ApiKey[]> {
  return repository.listApiKeys(owner.userId)
}

/**
 * Revokes one of the caller's keys immediately.
 * @throws NOT_FOUND when the caller has no such key
 */
export async function deleteApiKey({ userId }: SessionActor, id: string, client: ClientInfo): Promise<void> {
  await inTransaction(async () => {
    await repository.deleteApiKey(userId, id)
    await recordEvent({ action: 'api_key_ended', actorId: userId, client, details: { apiKeyId: id } })
  })
  evictApiKey(id)
}
