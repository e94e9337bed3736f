/** The limit of most file systems, in bytes of UTF-8. */
const SEGMENT_MAX_BYTES = 255
export const PATH_MAX_BYTES = 1024

/** Control characters, lone surrogates and line separators. */
const NOT_PRINTABLE = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]/u

const ESCAPED_ASCII = /%([0-7][0-9a-f])/gi

/** Decodes percent-encoded ASCII characters until none are left. */
function decodedFully(text: string): string {
  let before = text
  for (;;) {
    const after = before.replace(ESCAPED_ASCII, (_escape, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
    if (after === before) return after
    before = after
  }
}

function segmentError(segment: string): string | undefined {
  if (segment === '') return 'must not have empty segments'
  if (Buffer.byteLength(segment) > SEGMENT_MAX_BYTES) return `must not have segments over ${SEGMENT_MAX_BYTES} bytes`
  const plain = decodedFully(segment)
  if (plain === '.' || plain === '..') return 'must not have dot segments'
  if (/[/\\]/.test(plain)) return 'must not have slashes within a segment'
  if (/^[a-z]:/i.test(plain)) return 'must not name a drive'
  return NOT_PRINTABLE.test(plain) ? 'must not have control characters' : undefined
}

/**
 * Joins segments to a path in Unicode normalization form C, so that equal names compare equal; or returns what is wrong.
 * The server never uses it as a file system path: the rules protect clients that do so. They apply to any depth of
 * percent-encoding.
 */
export function normalizePath(segments: readonly string[]): { path: string } | { fault: string } {
  const normal = segments.map((segment) => segment.normalize('NFC'))
  const fault = normal.map(segmentError).find((found) => found !== undefined)
  if (fault !== undefined) return { fault }
  const path = normal.join('/')
  if (path === '') return { fault: 'must not be empty' }
  return Buffer.byteLength(path) > PATH_MAX_BYTES ? { fault: `must not be over ${PATH_MAX_BYTES} bytes` } : { path }
}
