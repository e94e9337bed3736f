import { createHash } from 'node:crypto'

/**
 * The entity tag of a representation (RFC 9110, section 8.8.3): a strong one, a hash of its very bytes. So it changes
 * whenever the representation does, whichever tables that is made of, and what `GET` gave serves for `If-Match`.
 */
export function etagOf(body: string): string {
  return `"${createHash('sha256').update(body).digest('base64url').slice(0, 27)}"`
}

/**
 * Checks what stands before a change: throws PRECONDITION_FAILED unless the client knows `current`, which is the value
 * that `GET` would answer to the same caller. Call it in the transaction of the change, once the row is locked.
 */
export type Precondition = (current: unknown) => void
