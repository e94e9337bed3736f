import { createHash, createHmac, createSecretKey, hkdfSync, timingSafeEqual, type KeyObject } from 'node:crypto'
import { config } from '@/lib/config'

/** What a key is used for. A key of one purpose can neither read nor forge anything of another. */
export type Purpose =
  | 'access-token'
  | 'cursor'
  | 'file-link'
  | 'idempotent-request'
  | 'idempotent-response'
  | 'queued-token'
  | 'refresh-token'

/** A key and its public id, which names the secret that it was derived from. */
export type DerivedKey = { id: string; key: KeyObject }

const KEY_BYTES = 32

let ring: { secrets: readonly string[]; keys: Map<Purpose, DerivedKey[]> } | undefined

/**
 * Returns the keys of a purpose, one for each secret in `JWT_SECRET` and in the same order, derived with HKDF-SHA-256
 * (RFC 5869). The first encrypts and signs; all of them decrypt and verify, so that a secret can be rotated.
 */
function keysOf(purpose: Purpose): DerivedKey[] {
  const { jwtSecrets } = config()
  if (ring?.secrets !== jwtSecrets) ring = { secrets: jwtSecrets, keys: new Map() }
  const existing = ring.keys.get(purpose)
  if (existing !== undefined) return existing
  const keys = jwtSecrets.map((secret) => {
    const key = createSecretKey(Buffer.from(hkdfSync('sha256', secret, '', `hearth ${purpose}`, KEY_BYTES)))
    return { id: createHash('sha256').update(key.export()).digest('base64url').slice(0, 8), key }
  })
  ring.keys.set(purpose, keys)
  return keys
}

/** Returns the key that encrypts and signs for a purpose. */
export function currentKey(purpose: Purpose): DerivedKey {
  const [first] = keysOf(purpose)
  if (first === undefined) throw new Error('JWT_SECRET is not set')
  return first
}

/** Returns the key of a purpose with this id, or undefined when its secret is no longer configured. */
export function findKey(purpose: Purpose, id: string | undefined): KeyObject | undefined {
  return keysOf(purpose).find((candidate) => candidate.id === id)?.key
}

function hmac(key: KeyObject, message: string | Buffer, bytes: number): Buffer {
  return createHmac('sha256', key).update(message).digest().subarray(0, bytes)
}

/** Returns the HMAC-SHA-256 (RFC 2104) of a message under the current key of a purpose, truncated to `bytes`. */
export function sign(purpose: Purpose, message: string | Buffer, bytes = KEY_BYTES): Buffer {
  return hmac(currentKey(purpose).key, message, bytes)
}

/** Returns whether `sign` made this signature under any key of the purpose, in constant time. */
export function verify(purpose: Purpose, message: string | Buffer, signature: Buffer, bytes = KEY_BYTES): boolean {
  if (signature.length !== bytes) return false
  return keysOf(purpose).some(({ key }) => timingSafeEqual(hmac(key, message, bytes), signature))
}
