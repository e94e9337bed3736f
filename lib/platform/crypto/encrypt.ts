import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { currentKey, findKey, type Purpose } from './keyring'

const ALGORITHM = 'aes-256-gcm'
const NONCE_BYTES = 12
const TAG_BYTES = 16

/**
 * Encrypts a text (AES-256-GCM) that has to be stored for a while, so that read access to the database is not enough to
 * use it. The purpose is authenticated as additional data: only `decrypt` with the same purpose returns the text.
 */
export function encrypt(purpose: Purpose, text: string): string {
  const { id, key } = currentKey(purpose)
  const nonce = randomBytes(NONCE_BYTES)
  const cipher = createCipheriv(ALGORITHM, key, nonce).setAAD(Buffer.from(purpose))
  const encrypted = Buffer.concat([nonce, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()])
  return `${id}.${encrypted.toString('base64url')}`
}

/**
 * Decrypts what `encrypt` returned for the same purpose.
 *
 * @throws Error when it was altered, has another purpose, or its secret is no longer configured
 */
export function decrypt(purpose: Purpose, encrypted: string): string {
  const [id, data = ''] = encrypted.split('.')
  const key = findKey(purpose, id)
  if (key === undefined) throw new Error('The secret that this was encrypted with is no longer in JWT_SECRET.')
  const bytes = Buffer.from(data, 'base64url')
  const nonce = bytes.subarray(0, NONCE_BYTES)
  const decipher = createDecipheriv(ALGORITHM, key, nonce, { authTagLength: TAG_BYTES })
  decipher.setAAD(Buffer.from(purpose)).setAuthTag(bytes.subarray(-TAG_BYTES))
  return Buffer.concat([decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()]).toString('utf8')
}
