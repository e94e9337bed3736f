import { databaseOf, probeDatabase, type ScriptError } from './database'
import { panicMessage } from './engine'

/** A failure as the CLI shows it, with Prisma's error code if it has one. */
export type Failure = { code?: string; message: string; meta?: unknown; isPanic?: boolean }

const UNREACHABLE = /^(EAI_AGAIN|ECONN(REFUSED|RESET)|E(HOST|NET)UNREACH|ENOENT|ENOTFOUND|EPIPE|ETIMEDOUT)$/

function fieldsOf(error: unknown): { code: string; message: string; meta: unknown } {
  const field = (name: string): unknown =>
    typeof error === 'object' && error !== null ? Reflect.get(error, name) : undefined
  const text = (name: string, fallback: string) => {
    const value = field(name)
    return typeof value === 'string' && value !== '' ? value : fallback
  }
  return { code: text('code', ''), message: text('message', String(error)), meta: field('meta') }
}

/** Describes a failed connection with the code that the CLI acts on, and without the password. */
export function describeConnectionError(error: unknown, url: string): Failure {
  const { code, message } = fieldsOf(error)
  if (!URL.canParse(url)) return { message }
  const { hostname, port, username } = new URL(url)
  const address = `${hostname}:${port || '5432'}`
  if (code === '3D000') return { code: 'P1003', message: `Database \`${databaseOf(url)}\` does not exist` }
  if (code === '28000')
    return { code: 'P1010', message: `User was denied access on \`${databaseOf(url)}\`: ${message}` }
  if (code === '28P01') return { code: 'P1000', message: `Authentication of \`${username}\` failed at \`${address}\`` }
  if (/^ERR_(TLS|SSL)|CERT|UNABLE_TO_VERIFY/.test(code) || /SSL connection/i.test(message)) {
    return { code: 'P1011', message: `Error opening a TLS connection: ${message}` }
  }
  if (UNREACHABLE.test(code) || /timeout|terminated/i.test(message)) {
    return { code: 'P1001', message: `Can't reach database server at \`${address}\`` }
  }
  return { message }
}

function describeScriptError({ error, script }: ScriptError): string {
  const { severity = 'ERROR', message, detail, hint, position } = error
  const line = position === undefined ? '' : ` (line ${script.slice(0, Number(position)).split('\n').length})`
  return [`${severity}: ${message}${line}`, detail && `DETAIL: ${detail}`, hint && `HINT: ${hint}`]
    .filter(Boolean)
    .join('\n')
}

/**
 * Describes what the engine has thrown. It reports little of a failed script, so PostgreSQL's message takes its place;
 * the migration's name is in the trace only. It has no code for a failed connection, so another attempt finds it.
 *
 * @param url the database, if one is configured
 */
export async function describeFailure(
  error: unknown,
  scriptError: ScriptError | undefined,
  url: string | undefined,
): Promise<Failure> {
  if (error instanceof WebAssembly.RuntimeError) return { message: panicMessage(), isPanic: true }
  const { code, message, meta } = fieldsOf(error)
  const migration = /apply_script\s+with migration_name="([^"]+)"/.exec(message)?.[1]
  if (scriptError !== undefined && migration !== undefined) {
    const databaseError = describeScriptError(scriptError)
    const databaseErrorCode = scriptError.error.code ?? 'none'
    return {
      code: 'P3018',
      message: [
        'A migration failed to apply. New migrations cannot be applied before it is resolved (npx prisma migrate resolve).',
        `Migration name: ${migration}`,
        `Database error code: ${databaseErrorCode}`,
        `Database error:\n${databaseError}`,
      ].join('\n\n'),
      meta: { migration_name: migration, database_error_code: databaseErrorCode, database_error: databaseError },
    }
  }
  const failure: Failure = {
    message:
      scriptError === undefined
        ? message
        : message.replace(/external connector error\n.*/, () => describeScriptError(scriptError)),
    meta,
    ...(/^P\d{4}$/.test(code) && { code }),
  }
  if (url === undefined || failure.code !== undefined) return failure
  return probeDatabase(url).then(
    () => failure,
    (reason: unknown) => describeConnectionError(reason, url),
  )
}
