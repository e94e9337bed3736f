import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'
import { keyId, config } from '@/lib/config'

const ALGORITHM = 'aes-256-gcm'
const NONCE_BYTES = 12
const TAG_BYTES = 16

function keyOf(secret: string): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, '', 'hearth.seal', 32))
}

/**
 * Encrypts a short secret for the time that it waits in the database (AES-256-GCM under a key derived from the first
 * `JWT_SECRET` with HKDF, RFC 5869), so that reading the database is not enough to use it.
 */
export function seal(text: string): string {
  const [secret] = config().jwtSecrets
  if (secret === undefined) throw new Error('JWT_SECRET is not set')
  const nonce = randomBytes(NONCE_BYTES)
  const cipher = createCipheriv(ALGORITHM, keyOf(secret), nonce)
  const sealed = Buffer.concat([nonce, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()])
  return `${keyId(secret)}.${sealed.toString('base64url')}`
}

/** What `seal` was given, under any secret of the ring. Error when it was altered or its secret is gone. */
export function decrypt(sealed: string): string {
  const [id, data = ''] = sealed.split('.')
  const secret = config().jwtSecrets.find((candidate) => keyId(candidate) === id)
  if (secret === undefined) throw new Error('The JWT_SECRET that this was sealed under is gone.')
  const bytes = Buffer.from(data, 'base64url')
  const decipher = createDecipheriv(ALGORITHM, keyOf(secret), bytes.subarray(0, NONCE_BYTES))
  decipher.setAuthTag(bytes.subarray(-TAG_BYTES))
  return Buffer.concat([decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()]).toString('utf8')
}
