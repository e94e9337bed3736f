import { Writable } from 'node:stream'
import pino from 'pino'
import { logger } from '@/lib/logger'

type Line = Record<string, unknown>

let lines: Line[] = []
let errorsAreExpected = false

/** Makes the log of the code under test one that is kept here. */
export function watchLog(): void {
  const sink = new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(JSON.parse(chunk.toString()))
      done()
    },
  })
  logger.replace(pino({ level: 'info', formatters: { level: (label) => ({ level: label }) } }, sink))
}

/** What was logged in this test so far. */
export function loggedLines(): readonly Line[] {
  return lines
}

/** For a test that provokes an error on purpose. */
export function expectErrorsInLog(): void {
  errorsAreExpected = true
}

/** Errors that nobody expected; forgets everything for the next test. */
export function drainUnexpectedLogLines(): Line[] {
  const unexpected = errorsAreExpected
    ? []
    : lines.filter((line) => line['level'] === 'error' || line['level'] === 'fatal')
  lines = []
  errorsAreExpected = false
  return unexpected
}
