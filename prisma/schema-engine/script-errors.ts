import type pg from 'pg'
import type { EngineFailure } from './errors'

/** An error of the server and the script it came from. */
export interface ScriptError {
  readonly error: pg.DatabaseError
  readonly script: string
}

const LINES_BEFORE = 5

/** The lines of the script up to the one the server objected to, numbered. */
const excerpt = ({ error, script }: ScriptError): string => {
  const position = Number(error.position ?? Number.NaN)
  if (Number.isNaN(position)) return ''
  const before = [...script].slice(0, position - 1).join('')
  const last = before.split('\n').length
  const lines = script.split('\n').slice(0, last)
  const numbered = lines.map((line, at) => `${String(at + 1).padStart(3)} ${line}`.trimEnd())
  return `\n\nPosition:\n${numbered.slice(-LINES_BEFORE - 1).join('\n')}`
}

const describe = (scriptError: ScriptError): string => {
  const { severity, message, detail, hint } = scriptError.error
  const notes = [detail && `\nDETAIL: ${detail}`, hint && `\nHINT: ${hint}`].filter(Boolean).join('')
  return `${severity ?? 'ERROR'}: ${message}${notes}${excerpt(scriptError)}`
}

const ADVICE =
  'A migration failed to apply. New migrations cannot be applied before the error is recovered from. ' +
  'Read more about how to resolve migration issues in a production database: https://pris.ly/d/migrate-resolve'

/**
 * Words a script the server refused the way the native engine does.
 *
 * The WebAssembly engine passes on little more than the error's kind, so the server's own words are put in its place.
 * Which migration failed on the main database is told by the trace only; on the shadow database the engine says so.
 */
export const scriptFailure = (failure: EngineFailure, scriptError: ScriptError | undefined): EngineFailure => {
  const name = /apply_script\s+with migration_name="([^"]+)"/.exec(failure.message)?.[1]
  if (scriptError === undefined || failure.panic) return failure
  const database_error_code = scriptError.error.code ?? 'none'
  const database_error = describe(scriptError)
  if (name === undefined) {
    return { ...failure, message: failure.message.replace(/external connector error\n.*/, () => database_error) }
  }
  return {
    code: 'P3018',
    message: [
      ADVICE,
      `Migration name: ${name}`,
      `Database error code: ${database_error_code}`,
      `Database error:\n${database_error}`,
    ].join('\n\n'),
    meta: { migration_name: name, database_error_code, database_error },
    panic: false,
  }
}
