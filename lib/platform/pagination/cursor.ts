import { createHmac, timingSafeEqual } from 'node:crypto'
import { config } from '@/lib/config'

const SEAL_BYTES = 12

/** What a cursor holds: the values of the last row in the order's columns. */
export type CursorValues = (string | number | null)[]

function seal(secret: string, payload: Buffer): Buffer {
  return createHmac('sha256', secret).update('hearth.cursor\0').update(payload).digest().subarray(0, SEAL_BYTES)
}

/**
 * An opaque cursor: the name of the order and the values, sealed (HMAC-SHA-256 with the first `JWT_SECRET`), so that a
 * client can neither make one up nor use it in another list or order.
 */
export function encodeCursor(order: string, values: CursorValues): string {
  const payload = Buffer.from(JSON.stringify([order, ...values]))
  return Buffer.concat([seal(config().jwtSecrets[0] ?? '', payload), payload]).toString('base64url')
}

/** The values in a cursor of this order, or undefined for anything else. */
export function decodeCursor(order: string, cursor: string): unknown[] | undefined {
  const bytes = Buffer.from(cursor, 'base64url')
  if (bytes.length <= SEAL_BYTES || bytes.toString('base64url') !== cursor) return undefined
  const payload = bytes.subarray(SEAL_BYTES)
  const sealed = bytes.subarray(0, SEAL_BYTES)
  if (!config().jwtSecrets.some((secret) => timingSafeEqual(seal(secret, payload), sealed))) return undefined
  const parsed: unknown = JSON.parse(payload.toString())
  if (!Array.isArray(parsed)) return undefined
  const [name, ...values]: unknown[] = parsed
  return name === order ? values : undefined
}
