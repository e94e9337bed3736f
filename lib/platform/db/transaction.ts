import { setTimeout as sleep } from 'node:timers/promises'
import { Prisma } from '@/prisma/generated/client'
import { isTransactionConflict } from './errors'
import { serviceUnavailable } from '@/lib/errors'
import { logger } from '@/lib/logger'
import { openTransaction, prisma, transactionScopes, type DbClient, type TransactionScope } from './prisma'

const ATTEMPTS_MAX = 4
const PAUSE_MAX_MS = 50

/**
 * Runs work in one transaction: every query that it makes through `prisma()`, however deep below, belongs to it, and
 * `prisma().$transaction(async (transaction) => …)` in there is a savepoint of it. Within another `inTransaction` it is a
 * savepoint too: what it throws undoes its own part alone.
 *
 * Where PostgreSQL undoes the outermost transaction for a deadlock or a serialization failure, all of the work is done
 * again, a few times: it must be one that can be, with nothing but queries to be seen of it outside, and all else through
 * `afterCommit`. SERVICE_UNAVAILABLE when it gets no way through.
 *
 * The array form of `$transaction` does not join. A database error that is caught without a savepoint around it leaves
 * the transaction unusable, as PostgreSQL has it. `timeoutMs` counts for the outermost alone, and for each attempt.
 */
export async function inTransaction<T>(
  work: (transaction: DbClient) => Promise<T>,
  { timeoutMs = 5_000 } = {},
): Promise<T> {
  const outer = openTransaction()
  if (outer !== undefined) {
    const { result, afterCommit } = await runOnce(work, timeoutMs)
    outer.afterCommit.push(...afterCommit)
    return result
  }
  for (let attempt = 1; ; attempt += 1) {
    try {
      const { result, afterCommit } = await runOnce(work, timeoutMs)
      await runAfterCommitHooks(afterCommit)
      return result
    } catch (error) {
      if (!isTransactionConflict(error)) throw error
      if (attempt === ATTEMPTS_MAX) throw serviceUnavailable(error, 1)
      // Not for the same time as the others, or they would meet again.
      await sleep(Math.random() * PAUSE_MAX_MS * attempt)
    }
  }
}

async function runOnce<T>(
  work: (transaction: DbClient) => Promise<T>,
  timeoutMs: number,
): Promise<{ result: T; afterCommit: TransactionScope['afterCommit'] }> {
  const afterCommit: TransactionScope['afterCommit'] = []
  const result = await prisma().$transaction(
    async (client) => {
      const scope: TransactionScope = { client, isOpen: true, afterCommit }
      try {
        return await transactionScopes().run(scope, () => work(client))
      } finally {
        scope.isOpen = false
      }
    },
    { timeout: timeoutMs },
  )
  return { result, afterCommit }
}

/** The change is made by now: whatever goes wrong here is logged and does not make it undone. */
async function runAfterCommitHooks(effects: TransactionScope['afterCommit']): Promise<void> {
  for (const effect of effects) {
    try {
      await effect()
    } catch (error) {
      logger().error({ err: error }, 'what follows a commit failed')
    }
  }
}

/**
 * Does something once the change can be seen by others, such as forgetting what a cache holds: after the commit of the
 * transaction around it, never when that is undone, and at once where there is none.
 */
export async function afterCommit(effect: () => unknown): Promise<void> {
  const scope = openTransaction()
  if (scope === undefined) await effect()
  else scope.afterCommit.push(effect)
}

/**
 * Keeps others from changing or deleting a row until the transaction ends; rows that refer to it may still be added.
 * `table` is a name in SQL, never input. Whether there is such a row.
 */
export async function lockRow(table: string, id: number): Promise<boolean> {
  const rows = await prisma().$queryRaw<unknown[]>(
    Prisma.sql`SELECT 1 FROM ${Prisma.raw(`"${table}"`)} WHERE "id" = ${id} FOR NO KEY UPDATE`,
  )
  return rows.length > 0
}
