/** Bounds of every JSON body, as API.md states them to clients. */
export const JSON_LEVELS_MAX = 64
export const JSON_NODES_MAX = 10_000

const QUOTE = 0x22
const BACKSLASH = 0x5c
const COMMA = 0x2c
const OPEN_BRACKET = 0x5b
const CLOSE_BRACKET = 0x5d
const OPEN_BRACE = 0x7b
const CLOSE_BRACE = 0x7d

/**
 * Returns the message for JSON that is nested deeper than `JSON_LEVELS_MAX` or holds more than `JSON_NODES_MAX` values,
 * else undefined. It scans the bytes before they are parsed, in a few milliseconds per MiB: parsing, checking and
 * reporting such a value can block the process for a second. Malformed JSON is left to the parser.
 */
export function jsonBoundsError(bytes: Uint8Array): string | undefined {
  let depth = 0
  let nodes = 1
  let isInString = false
  for (let at = 0; at < bytes.length; at += 1) {
    const byte = bytes[at]
    if (isInString) {
      if (byte === BACKSLASH) at += 1
      else if (byte === QUOTE) isInString = false
      continue
    }
    switch (byte) {
      case QUOTE:
        isInString = true
        break
      case OPEN_BRACKET:
      case OPEN_BRACE:
        depth += 1
        nodes += 1
        if (depth > JSON_LEVELS_MAX) return `must not be nested deeper than ${JSON_LEVELS_MAX} levels`
        break
      case CLOSE_BRACKET:
      case CLOSE_BRACE:
        depth -= 1
        break
      case COMMA:
        nodes += 1
        break
      default:
    }
    if (nodes > JSON_NODES_MAX) return `must not contain more than ${JSON_NODES_MAX} values`
  }
  return undefined
}
