import { errorCode, errorMessage } from './errors'
import type { EngineFailure } from './errors'

const UNREACHABLE = new Set([
  'EAI_AGAIN',
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOENT',
  'ENOTFOUND',
  'EPIPE',
  'ETIMEDOUT',
])

const isTlsError = (error: unknown): boolean => {
  const code = errorCode(error) ?? ''
  return (
    code.startsWith('ERR_TLS') ||
    code.startsWith('ERR_SSL') ||
    /CERT|UNABLE_TO_VERIFY/.test(code) ||
    /SSL connection/i.test(errorMessage(error))
  )
}

/** Where a connection was attempted, for the messages. */
export interface Attempt {
  readonly address: string
  readonly database: string
  readonly user: string
}

const failure = (code: string | undefined, message: string): EngineFailure => ({
  code,
  message,
  meta: undefined,
  panic: false,
})

/** Words a failed connection the way the native engine does, with the code the CLI acts on. */
export const connectionFailure = (error: unknown, { address, database, user }: Attempt): EngineFailure => {
  const code = errorCode(error)
  if (code === '3D000') return failure('P1003', `Database \`${database}\` does not exist`)
  if (code === '28000') return failure('P1010', `User was denied access on the database \`${database}\``)
  if (code === '28P01') {
    const refused = `Authentication failed against database server, the provided database credentials for \`${user}\``
    const advice = 'Please make sure to provide valid database credentials for the database server'
    return failure('P1000', `${refused} are not valid.\n\n${advice} at the configured address.`)
  }
  if (isTlsError(error)) return failure('P1011', `Error opening a TLS connection: ${errorMessage(error)}`)
  if ((code !== undefined && UNREACHABLE.has(code)) || /timeout|terminated/i.test(errorMessage(error))) {
    const advice = `Please make sure your database server is running at \`${address}\`.`
    return failure('P1001', `Can't reach database server at \`${address}\`\n\n${advice}`)
  }
  return failure(undefined, errorMessage(error))
}
