import type { Actor, ClientInfo, SessionActor } from '@/lib/platform/identity/actor'
import { evictApiKey, getCachedActor } from '@/lib/platform/identity/credential-cache'
import { hashOpaqueToken, newOpaqueToken } from '@/lib/platform/crypto/opaque-token'
import * as repository from './repository'
import type { ApiKey, CreatedApiKey, NewApiKey } from './schema'

const API_KEY = /^hk_[A-Za-z0-9_-]{43}$/

/** How much of a key is kept to be shown: 8 of its 43 random letters. */
const PREFIX_LENGTH = 11

/** Whether a bearer token means to be an API key. */
export function looksLikeApiKey(token: string): boolean {
  return token.startsWith('hk_')
}

/** Whom an API key speaks for, or undefined when it has expired, was deleted or was never one. */
export async function apiKeyActor(key: string): Promise<Actor | undefined> {
  if (!API_KEY.test(key)) return undefined
  const hash = hashOpaqueToken(key)
  return getCachedActor(Buffer.from(hash).toString('base64url'), () => repository.findApiKeyActor(hash))
}

/** Makes a key for whoever asks; the answer is the only place where it stands in full. */
export async function createApiKey(owner: SessionActor, input: NewApiKey, origin: ClientInfo): Promise<CreatedApiKey> {
  const key = `hk_${newOpaqueToken()}`
  const kept = { ...input, prefix: key.slice(0, PREFIX_LENGTH), hash: hashOpaqueToken(key) }
  return { ...(await repository.insertApiKey(owner, kept, origin)), key }
}

/** The caller's own keys, newest first. */
export async function listApiKeys(owner: SessionActor): Promise<ApiKey[]> {
  return repository.listApiKeys(owner.userId)
}

/** Ends one of the caller's own keys, at once. NOT_FOUND. */
export async function deleteApiKey(owner: SessionActor, id: string, origin: ClientInfo): Promise<void> {
  await repository.deleteApiKey(owner, id, origin)
  evictApiKey(id)
}
