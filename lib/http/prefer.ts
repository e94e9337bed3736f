import type { IncomingMessage } from 'node:http'

/**
 * Returns whether `Prefer` contains the preference `dry-run` (RFC 7240, section 2: a list of tokens, each with an optional
 * value and parameters; an empty value is the same as none).
 */
export function prefersDryRun(req: IncomingMessage): boolean {
  const header = String(req.headers['prefer'] ?? '')
  // Quoted strings may contain the separators.
  const unquoted = header.replace(/"((?:[^"\\]|\\.)*)"/g, (_quoted, text: string) => (text === '' ? '' : 'x'))
  return unquoted.split(',').some((preference) => /^\s*dry-run\s*(=\s*)?(;|$)/i.test(preference))
}
