import { setTimeout as sleep } from 'node:timers/promises'
import { Prisma } from '@/prisma/generated/client'
import { isTransactionConflict } from './errors'
import { serviceUnavailable } from '@/lib/errors'
import { logger } from '@/lib/logger'
import { openTransaction, prisma, transactionScopes, type TransactionScope } from './prisma'

const ATTEMPTS_MAX = 4
const BACKOFF_MAX_MS = 50

type TransactionOptions = { timeoutMs?: number; dryRun?: boolean }

/**
 * Runs work in a transaction that all its queries through `prisma()` join. A nested `inTransaction`, or
 * `prisma().$transaction(async …)`, is a savepoint: its failure rolls back only its own part. The array form of
 * `$transaction` does not join.
 *
 * After a deadlock or a serialization failure the outermost work is repeated, so it must have no effects other than
 * queries; everything else goes through `afterCommit`. A database error that is caught without a savepoint leaves the
 * transaction unusable. `timeoutMs` applies to each attempt of the outermost work.
 *
 * @throws SERVICE_UNAVAILABLE when all attempts failed because of concurrent transactions
 */
export async function inTransaction<T>(work: () => Promise<T>, options: TransactionOptions = {}): Promise<T> {
  const outer = openTransaction()
  if (outer !== undefined) {
    const { result, afterCommit } = await runOnce(work, options)
    outer.afterCommit.push(...afterCommit)
    return result
  }
  for (let attempt = 1; ; attempt += 1) {
    try {
      const { result, afterCommit } = await runOnce(work, options)
      await runAfterCommitHooks(afterCommit)
      return result
    } catch (error) {
      if (!isTransactionConflict(error)) throw error
      if (attempt === ATTEMPTS_MAX) throw serviceUnavailable(error, 1)
      // Randomised back-off, so competing transactions do not collide again.
      await sleep(Math.random() * BACKOFF_MAX_MS * attempt)
    }
  }
}

type AfterCommitHooks = TransactionScope['afterCommit']

async function runOnce<T>(
  work: () => Promise<T>,
  { timeoutMs = 5_000, dryRun = false }: TransactionOptions,
): Promise<{ result: T; afterCommit: AfterCommitHooks }> {
  const afterCommit: AfterCommitHooks = []
  const isDryRun = dryRun || openTransaction()?.isDryRun === true
  const result = await prisma().$transaction(
    async (client) => {
      const scope: TransactionScope = { client, isOpen: true, isDryRun, afterCommit }
      try {
        return await transactionScopes().run(scope, work)
      } finally {
        scope.isOpen = false
      }
    },
    { timeout: timeoutMs },
  )
  return { result, afterCommit }
}

/**
 * Runs work in a transaction that is rolled back at its end, and returns its result. Nested transactions are savepoints, and
 * their after-commit hooks never run.
 */
export async function inDryRun<T>(work: () => Promise<T>, { timeoutMs }: { timeoutMs: number }): Promise<T> {
  const rollback = new Error('The dry run is complete.')
  const results: T[] = []
  const attempt = async () => {
    results[0] = await work()
    throw rollback
  }
  try {
    return await inTransaction<never>(attempt, { timeoutMs, dryRun: true })
  } catch (error) {
    const [result] = results
    if (error === rollback && result !== undefined) return result
    throw error
  }
}

/** Returns whether the current work runs in a transaction. */
export function isInTransaction(): boolean {
  return openTransaction() !== undefined
}

/** Returns whether the current work will be rolled back, so that effects outside of the database must not happen. */
export function isDryRun(): boolean {
  return openTransaction()?.isDryRun === true
}

async function runAfterCommitHooks(hooks: AfterCommitHooks): Promise<void> {
  for (const hook of hooks) {
    try {
      await hook()
    } catch (error) {
      // After-commit hooks cannot roll back; failures are only logged.
      logger().error({ err: error }, 'after-commit hook failed')
    }
  }
}

/**
 * Runs a hook, such as a cache invalidation, once the changes are visible: after the commit of the outermost transaction,
 * never after a rollback, and immediately outside of a transaction.
 */
export async function afterCommit(hook: () => unknown): Promise<void> {
  const scope = openTransaction()
  if (scope === undefined) await hook()
  else scope.afterCommit.push(hook)
}

/**
 * Locks a row against changes and deletion until the transaction ends; rows that reference it may still be inserted.
 * Returns whether the row exists. `table` is inserted into the SQL and must never be input.
 */
export async function lockRow(table: string, id: number): Promise<boolean> {
  const rows = await prisma().$queryRaw<unknown[]>(
    Prisma.sql`SELECT 1 FROM ${Prisma.raw(`"${table}"`)} WHERE "id" = ${id} FOR NO KEY UPDATE`,
  )
  return rows.length > 0
}
