import { apiKeyActor, looksLikeApiKey } from '@/lib/domains/auth/api-keys/service'
import { sessionActor } from '@/lib/domains/auth/sessions/service'
import { AppError } from '@/lib/errors'
import type { Actor } from '@/lib/platform/identity/actor'

/**
 * Returns the actor of a bearer token, an access token or an API key.
 * @throws UNAUTHORIZED when the token is invalid, expired or revoked, or its account was deleted
 * @throws RATE_LIMITED when the client's address has sent too many unknown API keys
 */
export async function authenticateToken(token: string, ip: string): Promise<Actor> {
  const actor = await (looksLikeApiKey(token) ? apiKeyActor(token, ip) : sessionActor(token))
  if (actor === undefined) throw new AppError('UNAUTHORIZED')
  return actor
}
