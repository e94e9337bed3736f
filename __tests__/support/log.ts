import { Writable } from 'node:stream'
import pino from 'pino'
import { addRequestContext, logger } from '@/lib/logger'

type Line = Record<string, unknown>

let lines: Line[] = []
let errorsAreExpected = false

/** Captures the log of the code under test. */
export function watchLog(): void {
  const sink = new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(JSON.parse(chunk.toString()))
      done()
    },
  })
  logger.replace(
    pino({ level: 'info', mixin: addRequestContext, formatters: { level: (label) => ({ level: label }) } }, sink),
  )
}

/** Returns the log lines of the current test. */
export function loggedLines(): readonly Line[] {
  return lines
}

/** Allows errors in the log of the current test. */
export function expectErrorsInLog(): void {
  errorsAreExpected = true
}

/** Returns unexpected errors, and clears the log for the next test. */
export function drainUnexpectedLogLines(): Line[] {
  const unexpected = errorsAreExpected
    ? []
    : lines.filter((line) => line['level'] === 'error' || line['level'] === 'fatal')
  lines = []
  errorsAreExpected = false
  return unexpected
}
