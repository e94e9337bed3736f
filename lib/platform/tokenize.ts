/**
 * Matches white space, control characters, punctuation, symbols and pictographs. Must be the same set as in the SQL
 * function `tokenize`, so that queries and documents are tokenised identically.
 */
const SEPARATORS =
  /[\p{Cc}\u0020-\u002f\u003a-\u0040\u005b-\u0060\u007b-\u00a9\u00ab-\u00b1\u00b4\u00b6-\u00b8\u00bb\u00bf\u00d7\u00f7\u2000-\u206f\u20a0-\u20cf\u2190-\u2bff\u2e00-\u2e7f\u3000-\u3004\u3008-\u3020\u3030\ufe30-\ufe6f\uff01-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65\u{1f000}-\u{1faff}]+/u

/** Splits a text into its words. */
export function tokenize(text: string): string[] {
  return text.split(SEPARATORS).filter((word) => word !== '')
}
