import { sign, verify } from '@/lib/platform/crypto/keyring'

const SIGNATURE_BYTES = 12

/** The values of the sort columns in one row. */
export type CursorValues = (string | number | null)[]

/**
 * Encodes an opaque cursor: the name of the sort order and the values of the last row, signed so that a client can
 * neither forge one nor use it in another list or order.
 */
export function encodeCursor(order: string, values: CursorValues): string {
  const payload = Buffer.from(JSON.stringify([order, ...values]))
  return Buffer.concat([sign('cursor', payload, SIGNATURE_BYTES), payload]).toString('base64url')
}

/** Returns the values in a cursor, or undefined if it is forged or belongs to another order. */
export function decodeCursor(order: string, cursor: string): unknown[] | undefined {
  const bytes = Buffer.from(cursor, 'base64url')
  // The same bytes can be encoded in several ways; accept only the canonical one.
  if (bytes.toString('base64url') !== cursor) return undefined
  const payload = bytes.subarray(SIGNATURE_BYTES)
  if (!verify('cursor', payload, bytes.subarray(0, SIGNATURE_BYTES), SIGNATURE_BYTES)) return undefined
  const parsed: unknown = JSON.parse(payload.toString())
  if (!Array.isArray(parsed)) return undefined
  const [name, ...values]: unknown[] = parsed
  return name === order ? values : undefined
}
