import type { Actor, RequestOrigin, SessionActor } from '@/lib/auth/actor'
import { forgetApiKey, liveActor } from '@/lib/auth/live-sessions'
import { hashSecretToken, newSecretToken } from '@/lib/auth/secret-token'
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
  const hash = hashSecretToken(key)
  return liveActor(Buffer.from(hash).toString('base64url'), () => repository.findApiKeyActor(hash))
}

/** Makes a key for whoever asks; the answer is the only place where it stands in full. */
export async function createApiKey(
  owner: SessionActor,
  input: NewApiKey,
  origin: RequestOrigin,
): Promise<CreatedApiKey> {
  const key = `hk_${newSecretToken()}`
  const kept = { ...input, prefix: key.slice(0, PREFIX_LENGTH), hash: hashSecretToken(key) }
  return { ...(await repository.insertApiKey(owner, kept, origin)), key }
}

/** The caller's own keys, newest first. */
export async function listApiKeys(owner: SessionActor): Promise<ApiKey[]> {
  return repository.listApiKeys(owner.userId)
}

/** Ends one of the caller's own keys, at once. NOT_FOUND. */
export async function deleteApiKey(owner: SessionActor, id: string, origin: RequestOrigin): Promise<void> {
  await repository.deleteApiKey(owner, id, origin)
  forgetApiKey(id)
}
