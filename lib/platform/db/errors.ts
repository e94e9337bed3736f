import { isAppError } from '@/lib/errors'

/** Prisma's codes, and those of PostgreSQL and the sockets below it, that say: the database cannot be asked now. */
const UNAVAILABLE = new Set([
  ...['P1000', 'P1001', 'P1002', 'P1003', 'P1008', 'P1010', 'P1011', 'P1017', 'P2024', 'P2028', 'P2037'],
  ...['08000', '08001', '08003', '08004', '08006', '53300', '57014', '57P01', '57P02', '57P03', '57P05', '25P03'],
  ...['ECONNREFUSED', 'ECONNRESET', 'ENOTFOUND', 'ETIMEDOUT', 'EPIPE', 'EHOSTUNREACH', 'ENETUNREACH', 'EAI_AGAIN'],
])

/** What Prisma's driver adapter calls the same where it drops the code. */
const UNAVAILABLE_KINDS = new Set(['DatabaseNotReachable', 'ConnectionClosed', 'SocketTimeout', 'TooManyConnections'])

/** What `pg` says without a code. */
const UNAVAILABLE_MESSAGE =
  /timeout exceeded when trying to connect|Query read timeout|Connection terminated|not queryable|Can't reach database|the database system is/i

/** The same, where it gave up waiting; Prisma may write more around it. */
const LATE_MESSAGE = /Query read timeout$|^timeout expired$/

/** An error, its causes, and what driver adapters keep under `meta.driverAdapterError`. */
function* chain(error: unknown): Generator<object> {
  const seen = new Set<unknown>()
  const waiting: unknown[] = [error]
  while (waiting.length > 0) {
    const next = waiting.pop()
    if (typeof next !== 'object' || next === null || seen.has(next)) continue
    seen.add(next)
    yield next
    if ('cause' in next) waiting.push(next.cause)
    if ('meta' in next) waiting.push(next.meta)
    if ('driverAdapterError' in next) waiting.push(next.driverAdapterError)
    if ('errors' in next && Array.isArray(next.errors)) waiting.push(...next.errors)
  }
}

function codeOf(error: object): unknown {
  if ('code' in error) return error.code
  return 'originalCode' in error ? error.originalCode : undefined
}

/**
 * Whether an error says that the database cannot be reached, or not in time: the caller may try again later. An AppError
 * says what it is itself: below a client that hung up lies the same ECONNRESET.
 */
export function isDatabaseUnavailable(error: unknown): boolean {
  if (isAppError(error)) return false
  for (const link of chain(error)) {
    const code = codeOf(link)
    if (typeof code === 'string' && UNAVAILABLE.has(code)) return true
    if ('kind' in link && typeof link.kind === 'string' && UNAVAILABLE_KINDS.has(link.kind)) return true
    if ('message' in link && typeof link.message === 'string' && UNAVAILABLE_MESSAGE.test(link.message)) return true
  }
  return false
}

/** Whether `pg` gave up waiting for the answer to a query, or to its greeting. */
export function isTimeout(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'message' in error && LATE_MESSAGE.test(String(error.message))
}

/** A deadlock, and a serialization failure, as PostgreSQL says it and as Prisma does. */
const CONFLICTS = new Set<unknown>(['40P01', '40001', 'P2034'])

/** Whether PostgreSQL undid a transaction for the sake of others: done again, it may well pass. */
export function isTransactionConflict(error: unknown): boolean {
  for (const link of chain(error)) if (CONFLICTS.has(codeOf(link))) return true
  return false
}

/** Whether an error says that a query was given up, which the database may yet do. */
export function hasTimedOut(error: unknown): boolean {
  return [...chain(error)].some(isTimeout)
}

function hasCode(error: unknown, prismaCode: string): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === prismaCode
}

/** A unique constraint was violated (Prisma P2002). */
export function isUniqueViolation(error: unknown): boolean {
  return hasCode(error, 'P2002')
}

/** A row to change, or one that it refers to, is not there (Prisma P2025, P2003). */
export function isMissingRow(error: unknown): boolean {
  return hasCode(error, 'P2025') || hasCode(error, 'P2003')
}

/** A check or a constraint trigger of this name refused the change (PostgreSQL 23514, which names it in the message). */
export function isCheckViolation(error: unknown, constraint: string): boolean {
  for (const link of chain(error)) {
    if ('originalCode' in link && link.originalCode === '23514' && 'originalMessage' in link) {
      return String(link.originalMessage).includes(`"${constraint}"`)
    }
  }
  return false
}
