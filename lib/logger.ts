import cluster from 'node:cluster'
import pino from 'pino'
import pretty from 'pino-pretty'
import { config } from './config'
import { processSingleton } from './process-singleton'
import { requestLogContext } from './trace-context'

export type Logger = pino.Logger

type LoggedError = { type: string; message: string; code?: unknown; stack?: string | undefined; cause?: LoggedError }

const CAUSES_MAX = 5
/** A pipe does not mix writes of up to this size by several processes (PIPE_BUF of Linux). */
const WRITE_MAX_BYTES = 4_096

/** Serialises errors without library-attached properties, which may contain credentials. */
function describeError(error: unknown, depth = 0): LoggedError {
  if (typeof error !== 'object' || error === null || !('message' in error)) {
    return { type: typeof error, message: String(error) }
  }
  return {
    type: error.constructor.name,
    message: String(error.message),
    ...('code' in error && { code: error.code }),
    ...('stack' in error && { stack: String(error.stack) }),
    ...('cause' in error &&
      error.cause !== undefined &&
      depth < CAUSES_MAX && { cause: describeError(error.cause, depth + 1) }),
  }
}

/** Adds the request id and the trace id of the request in progress to a log line. */
export function addRequestContext(): object {
  return { ...requestLogContext().getStore() }
}

function create(): Logger {
  const options: pino.LoggerOptions = {
    level: config().logLevel,
    // The number of the process, if several serve.
    base: cluster.worker === undefined ? null : { process: cluster.worker.id },
    mixin: addRequestContext,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    serializers: { err: (error: unknown) => describeError(error) },
    redact: {
      paths: ['password', 'token', 'refreshToken', 'authorization', 'cookie', '*.password', '*.token'],
      censor: '[redacted]',
    },
  }
  if (process.stdout.isTTY) {
    return pino(options, pretty({ sync: true, translateTime: 'HH:MM:ss.l', ignore: 'requestId' }))
  }
  return pino(options, pino.destination({ dest: 1, sync: false, minLength: 0, maxWrite: WRITE_MAX_BYTES }))
}

/** Returns the logger of the process: JSON lines on standard output, formatted lines in a terminal. */
export const logger = processSingleton('logger', create)
