import { attemptOf } from './connection'
import { createDatabase, dropDatabase, probeDatabase } from './databases'
import { connectionFailure } from './connection-errors'
import { logLine } from './log'

const COMMANDS: ReadonlyMap<string, (url: string) => Promise<void>> = new Map([
  ['can-connect-to-database', probeDatabase],
  ['create-database', createDatabase],
  ['drop-database', dropDatabase],
])

/** Runs `schema-engine cli <name>` and returns its exit code; a failure is the last line of the log. */
export const runCommand = async (name: string, url: string): Promise<number> => {
  // The CLI takes the first line for the native engine's greeting and reads the log from the second.
  logLine('INFO', { message: `Running ${name}` })
  const command = COMMANDS.get(name)
  if (command === undefined) {
    logLine('ERROR', { message: `The schema engine has no command ${name}` })
    return 1
  }
  try {
    await command(url)
    return 0
  } catch (error) {
    const { code, message } = connectionFailure(error, attemptOf(url))
    logLine('ERROR', { message, error_code: code, is_panic: false })
    return 1
  }
}
