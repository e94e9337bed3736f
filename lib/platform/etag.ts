import { createHash } from 'node:crypto'

/**
 * Returns the strong entity tag of a representation (RFC 9110, section 8.8.3), a hash of its bytes: it changes exactly when
 * the representation does, whichever tables that comes from, and the `ETag` of a `GET` is valid in `If-Match`.
 */
export function etagOf(body: string): string {
  return `"${createHash('sha256').update(body).digest('base64url').slice(0, 27)}"`
}

/**
 * Checks the client's version before a change. `current` is the value that `GET` would return to the same caller. Call it
 * in the transaction of the change, after locking the row.
 * @throws PRECONDITION_FAILED when the client's version is not `current`
 */
export type Precondition = (current: unknown) => void
