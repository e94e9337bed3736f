import { config } from '@/lib/config'
import { serviceUnavailable } from '@/lib/errors'
import { processSingleton } from '@/lib/process-singleton'
import { isDatabaseUnavailable } from './errors'
import { openTransaction } from './prisma'

const WAITING_MAX = 64

type Semaphore = { running: number; waiting: { start: () => void; reject: (error: unknown) => void }[] }

const semaphore = processSingleton<Semaphore>('transaction-slots', () => ({ running: 0, waiting: [] }))

/**
 * Runs requests that hold a transaction as a whole, at most half as many as the pool has connections. Each holds its
 * connection while it works, also while a password is hashed, and would otherwise starve all other requests. Work that is
 * in a transaction already runs immediately.
 *
 * @throws SERVICE_UNAVAILABLE when too many wait, and for all that wait when the database becomes unavailable
 */
export async function inTransactionSlot<T>(work: () => Promise<T>): Promise<T> {
  if (openTransaction() !== undefined) return work()
  const limiter = semaphore()
  const runningMax = Math.max(1, Math.floor(config().databasePoolMax / 2))
  if (limiter.running < runningMax) limiter.running += 1
  else {
    if (limiter.waiting.length >= WAITING_MAX) throw serviceUnavailable(new Error('Too many requests wait.'))
    // The request that ends passes its slot on, so `running` stays unchanged.
    await new Promise<void>((start, reject) => limiter.waiting.push({ start, reject }))
  }
  try {
    return await work()
  } catch (error) {
    // Fail waiters immediately instead of letting each run into its own timeout.
    if (isDatabaseUnavailable(error)) for (const { reject } of limiter.waiting.splice(0)) reject(error)
    throw error
  } finally {
    const next = limiter.waiting.shift()
    if (next === undefined) limiter.running -= 1
    else next.start()
  }
}
