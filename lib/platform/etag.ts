import { createHash } from 'node:crypto'

/** The validators of a representation (RFC 9110, section 8.8): a strong ETag and, if known, the HTTP date of its last change. */
export type Validators = { etag: string; lastModified?: string }

/**
 * Returns the strong ETag of a representation: a hash of its bytes, so it changes whenever the representation does, and
 * the ETag of a GET can be used in `If-Match`.
 */
export function etagOf(body: string): string {
  return `"${createHash('sha256').update(body).digest('base64url').slice(0, 27)}"`
}

/**
 * Checks the preconditions of a request before a change. `current` is the value that GET returns to the same caller. Call
 * it in the transaction of the change, after the row is locked.
 *
 * @throws PRECONDITION_FAILED when the client does not know `current`
 */
export type Precondition = (current: unknown) => void
