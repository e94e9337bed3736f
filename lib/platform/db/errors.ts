import { isAppError } from '@/lib/errors'

/** Codes of Prisma, PostgreSQL and sockets for an unavailable database, a read-only one (25006) included. */
const UNAVAILABLE = new Set([
  ...['P1000', 'P1001', 'P1002', 'P1003', 'P1008', 'P1010', 'P1011', 'P1017', 'P2024', 'P2028', 'P2037'],
  ...['25006', '25P03', '25P04', '28000', '28P01', '3D000', '57014'],
  ...['ECONNREFUSED', 'ECONNRESET', 'ENOTFOUND', 'ETIMEDOUT', 'EPIPE', 'EHOSTUNREACH', 'ENETUNREACH', 'EAI_AGAIN'],
])

/** Classes of PostgreSQL's codes for an unavailable database: connections, resources and shutdown. */
const UNAVAILABLE_CLASS = /^(08|53|57P)...?$/

/** Kinds of errors of Prisma's driver adapter that have no code. */
const UNAVAILABLE_KINDS = new Set([
  ...['DatabaseNotReachable', 'ConnectionClosed', 'SocketTimeout', 'TooManyConnections'],
  ...['DatabaseAccessDenied', 'AuthenticationFailed', 'DatabaseDoesNotExist', 'TlsConnectionError'],
])

/** Messages of `pg` errors that have no code. */
const UNAVAILABLE_MESSAGE =
  /timeout exceeded when trying to connect|Query read timeout|Connection terminated|not queryable|Can't reach database|the database system is/i

/** Messages of `pg` time-outs; Prisma may prefix them. */
const TIMEOUT_MESSAGE = /Query read timeout$|^timeout expired$/

/** Yields an error, its causes, and the errors that driver adapters store under `meta.driverAdapterError`. */
function* errorChain(error: unknown): Generator<object> {
  const seen = new Set<unknown>()
  const queue: unknown[] = [error]
  while (queue.length > 0) {
    const next = queue.pop()
    if (typeof next !== 'object' || next === null || seen.has(next)) continue
    seen.add(next)
    yield next
    if ('cause' in next) queue.push(next.cause)
    if ('meta' in next) queue.push(next.meta)
    if ('driverAdapterError' in next) queue.push(next.driverAdapterError)
    if ('errors' in next && Array.isArray(next.errors)) queue.push(...next.errors)
  }
}

function codeOf(error: object): unknown {
  if ('code' in error) return error.code
  return 'originalCode' in error ? error.originalCode : undefined
}

/**
 * Returns whether the database was unreachable or too slow, so that the client may retry later. False for an AppError,
 * which may be caused by the ECONNRESET of a client that disconnected.
 */
export function isDatabaseUnavailable(error: unknown): boolean {
  if (isAppError(error)) return false
  for (const link of errorChain(error)) {
    const code = codeOf(link)
    if (typeof code === 'string' && (UNAVAILABLE.has(code) || UNAVAILABLE_CLASS.test(code))) return true
    if ('kind' in link && typeof link.kind === 'string' && UNAVAILABLE_KINDS.has(link.kind)) return true
    if ('message' in link && typeof link.message === 'string' && UNAVAILABLE_MESSAGE.test(link.message)) return true
  }
  return false
}

/** Messages of `pg` errors of connecting that have no code. */
const UNREACHABLE_MESSAGE = /Connection terminated|^timeout expired$/

/** Returns whether a server could not be reached or does not accept connections, so that another one may. */
export function isServerUnavailable(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  const code = String(codeOf(error))
  return /^(E[A-Z_]+|08...|57P..|53300)$/.test(code) || UNREACHABLE_MESSAGE.test(error.message)
}

/** Returns whether `pg` timed out waiting for a connection or a query result. */
export function isTimeout(error: unknown): boolean {
  return (
    typeof error === 'object' && error !== null && 'message' in error && TIMEOUT_MESSAGE.test(String(error.message))
  )
}

/**
 * A prepared statement whose result type has changed (0A000), that does not exist (26000), or that already exists (42P05):
 * the schema was changed, or a connection pooler has connected the client to another server process.
 */
const STALE_STATEMENT = new Set<unknown>(['0A000', '26000', '42P05'])

/** Returns whether PostgreSQL refused to execute a prepared statement that has to be prepared again. */
export function isStaleStatement(error: unknown): boolean {
  return typeof error === 'object' && error !== null && STALE_STATEMENT.has(codeOf(error))
}

/**
 * Returns whether an error of `pg` would be repeated by the next queries on the same connection, but not on a new one:
 * PostgreSQL ends it, has become read-only, or has lost its prepared statements.
 */
export function endsConnection(error: unknown): boolean {
  if (typeof error !== 'object' || error === null) return false
  return isStaleStatement(error) || /^(08...|57P..|25006|25P0[34])$/.test(String(codeOf(error)))
}

/** Deadlock and serialization failure in PostgreSQL, and Prisma's code for both. */
const CONFLICTS = new Set<unknown>(['40P01', '40001', 'P2034'])

/**
 * Returns whether PostgreSQL rolled a transaction back because of concurrent ones or of a change of the schema, so that a
 * retry may succeed.
 */
export function isTransactionConflict(error: unknown): boolean {
  if (isAppError(error)) return false
  for (const link of errorChain(error)) if (CONFLICTS.has(codeOf(link)) || isStaleStatement(link)) return true
  return false
}

/** Returns whether a query timed out in the client, although the database may still execute it. */
export function hasTimedOut(error: unknown): boolean {
  return [...errorChain(error)].some(isTimeout)
}

function hasCode(error: unknown, prismaCode: string): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === prismaCode
}

/** Returns whether a unique constraint was violated (Prisma P2002). */
export function isUniqueViolation(error: unknown): boolean {
  return hasCode(error, 'P2002')
}

/** Returns whether the row to change, or one that it references, does not exist (Prisma P2025, P2003). */
export function isMissingRow(error: unknown): boolean {
  return hasCode(error, 'P2025') || hasCode(error, 'P2003')
}

/** Returns whether the named check or constraint trigger was violated (PostgreSQL 23514; the message has the name). */
export function isCheckViolation(error: unknown, constraint: string): boolean {
  for (const link of errorChain(error)) {
    if ('originalCode' in link && link.originalCode === '23514' && 'originalMessage' in link) {
      return String(link.originalMessage).includes(`"${constraint}"`)
    }
  }
  return false
}
