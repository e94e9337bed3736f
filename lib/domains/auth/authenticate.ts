import { apiKeyActor, looksLikeApiKey } from '@/lib/domains/auth/api-keys/service'
import { sessionActor } from '@/lib/domains/auth/sessions/service'
import { AppError } from '@/lib/errors'
import type { Actor } from '@/lib/platform/identity/actor'

/**
 * Returns the actor of a bearer token, an access token or an API key.
 * @throws UNAUTHORIZED when the token is invalid, expired or revoked, or its account was deleted
 */
export async function authenticateToken(token: string): Promise<Actor> {
  const actor = await (looksLikeApiKey(token) ? apiKeyActor(token) : sessionActor(token))
  if (actor === undefined) throw new AppError('UNAUTHORIZED')
  return actor
}
