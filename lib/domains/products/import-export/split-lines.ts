const LINE_FEED = 0x0a
const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf])

/** A line without its line feed; `bytes` is undefined if it is too long. Numbers start at 1. */
export type Line = { number: number; bytes: Buffer | undefined }

/**
 * Splits a stream of bytes at line feeds, without the byte order mark. Buffers at most one line of `maxBytes`; longer lines
 * are discarded as they arrive, but counted. The npm packages for this either buffer lines of any length or drop them
 * silently.
 */
export async function* splitLines(source: AsyncIterable<Buffer>, maxBytes: number): AsyncGenerator<Line> {
  let number = 1
  let parts: Buffer[] = []
  let size = 0

  const append = (part: Buffer) => {
    size += part.length
    if (size <= maxBytes) parts.push(part)
    else parts = []
  }
  const finish = (): Line => {
    const [only] = parts
    const line = parts.length === 1 && only !== undefined ? only : Buffer.concat(parts)
    const text = number === 1 && line.subarray(0, 3).equals(BYTE_ORDER_MARK) ? line.subarray(3) : line
    const result = { number, bytes: size <= maxBytes ? text : undefined }
    number += 1
    parts = []
    size = 0
    return result
  }

  for await (const chunk of source) {
    let from = 0
    for (let end = chunk.indexOf(LINE_FEED); end >= 0; end = chunk.indexOf(LINE_FEED, from)) {
      append(chunk.subarray(from, end))
      from = end + 1
      yield finish()
    }
    if (from < chunk.length) append(chunk.subarray(from))
  }
  if (size > 0) yield finish()
}
