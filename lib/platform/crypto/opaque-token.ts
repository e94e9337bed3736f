import { createHash, randomBytes } from 'node:crypto'

/** Generates an opaque token: 256 random bits, base64url (43 characters). */
export function newOpaqueToken(): string {
  return randomBytes(32).toString('base64url')
}

/**
 * Returns the SHA-256 of an opaque token, which is stored in its place. An unsalted hash is enough because the token is
 * random: there is no dictionary to try.
 */
export function hashOpaqueToken(token: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(createHash('sha256').update(token).digest())
}
