import { panicMessage } from './panics'

/** A failure as the CLI shows it: Prisma's error code, when there is one, and a message for people. */
export interface EngineFailure {
  readonly code: string | undefined
  readonly message: string
  readonly meta: unknown
  readonly panic: boolean
}

const field = (error: unknown, name: string): unknown =>
  typeof error === 'object' && error !== null ? Reflect.get(error, name) : undefined

const text = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined)

/** The `code` of an error of PostgreSQL, of Node or of the engine. */
export const errorCode = (error: unknown): string | undefined => text(field(error, 'code'))

/** The message of whatever was thrown. */
export const errorMessage = (error: unknown): string => text(field(error, 'message')) ?? String(error)

/** Reads what the engine threw: its own errors carry a code of Prisma's, a panic is a failure of WebAssembly itself. */
export const engineFailure = (error: unknown): EngineFailure => {
  const panic = error instanceof WebAssembly.RuntimeError
  const code = errorCode(error)
  return {
    code: code !== undefined && /^P\d{4}$/.test(code) ? code : undefined,
    message: panic ? panicMessage() : errorMessage(error),
    meta: field(error, 'meta'),
    panic,
  }
}
