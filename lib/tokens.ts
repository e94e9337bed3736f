import { createHash, randomBytes } from 'node:crypto'

/** A random token of 256 bits, which only its holder keeps, and the hash that we keep. */
export function newToken(): { token: string; hash: string } {
  const token = randomBytes(32).toString('base64url')
  return { token, hash: hashToken(token) }
}

/** SHA-256: nobody can guess 256 random bits, so that a slow hash would add nothing. */
export function hashToken(token: string): string {
  return createHash('sha256').update(token).digest('base64url')
}
