import { createHash, randomBytes } from 'node:crypto'

/** A secret that nobody guesses: 256 random bits as 43 letters of base64url. */
export function newOpaqueToken(): string {
  return randomBytes(32).toString('base64url')
}

/**
 * The SHA-256 of a secret token, which is all that is kept of it. A plain hash will do: there is nothing to try out
 * where the secret is random.
 */
export function hashOpaqueToken(token: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(createHash('sha256').update(token).digest())
}
