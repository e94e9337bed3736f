const LINE_FEED = 0x0a
const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf])

/** A line without its line feed, or `undefined` for one that is too long. Lines count from 1. */
export type Line = { number: number; bytes: Buffer | undefined }

/**
 * Takes a stream of bytes apart at line feeds. Never holds more than one line of `maxBytes`: the rest of a longer one is
 * dropped as it comes, and still counts as a line. The splitters of the registry either hold a line of any length or drop
 * it without a word.
 */
export async function* splitLines(source: AsyncIterable<Buffer>, maxBytes: number): AsyncGenerator<Line> {
  let number = 1
  let parts: Buffer[] = []
  let size = 0

  const take = (part: Buffer) => {
    size += part.length
    if (size <= maxBytes) parts.push(part)
    else parts = []
  }
  const finish = (): Line => {
    const [only] = parts
    const whole = parts.length === 1 && only !== undefined ? only : Buffer.concat(parts)
    const unmarked = number === 1 && whole.subarray(0, 3).equals(BYTE_ORDER_MARK) ? whole.subarray(3) : whole
    const line = { number, bytes: size <= maxBytes ? unmarked : undefined }
    number += 1
    parts = []
    size = 0
    return line
  }

  for await (const chunk of source) {
    let from = 0
    for (let end = chunk.indexOf(LINE_FEED); end >= 0; end = chunk.indexOf(LINE_FEED, from)) {
      take(chunk.subarray(from, end))
      from = end + 1
      yield finish()
    }
    if (from < chunk.length) take(chunk.subarray(from))
  }
  if (size > 0) yield finish()
}
