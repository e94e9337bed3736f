type Level = 'INFO' | 'WARN' | 'ERROR'

/**
 * Writes one line of the log the CLI reads from standard error.
 *
 * The CLI looks for the target `schema_engine::logger` when it explains why a command failed.
 */
export const logLine = (level: Level, fields: Readonly<Record<string, unknown>>): void => {
  const line = { timestamp: new Date().toISOString(), level, fields, target: 'schema_engine::logger' }
  process.stderr.write(`${JSON.stringify(line)}\n`)
}

/** Turns Node's warnings into log lines: the CLI refuses a log with any other text in it. */
export const logWarnings = (): void => {
  process.removeAllListeners('warning')
  process.on('warning', (warning) => logLine('WARN', { message: warning.message }))
}
