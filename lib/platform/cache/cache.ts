import { setTimeout as sleep } from 'node:timers/promises'
import { config } from '@/lib/config'
import type { CacheEntry, CacheStore } from './store'
import { hasTimedOut } from '@/lib/platform/db/errors'
import { memoryStore } from './memory-store'
import { assertDatabaseReachable, openTransaction } from '@/lib/platform/db/prisma'
import { afterCommit, isDryRun } from '@/lib/platform/db/transaction'
import { redis } from '@/lib/platform/redis'
import { redisStore } from './redis-store'
import { processSingleton } from '@/lib/process-singleton'

export type Cache = {
  /** Returns the entry stored under a key, or loads and stores it. Callers must not modify entries: they are shared. */
  read: (
    key: string,
    tags: readonly string[],
    load: () => Promise<CacheEntry>,
  ) => Promise<{ entry: CacheEntry; hit: boolean }>
  /** Runs a write and invalidates these tags afterwards, whether or not it succeeds. */
  write: <T>(tags: readonly string[], work: () => Promise<T>) => Promise<T>
}

/** How long after recovery the database may still commit a write that timed out. */
const LATE_COMMIT_WINDOW_MS = 1_000

/**
 * Creates a cache on top of a store. Concurrent misses share one load only if they saw the same versions, so a read that
 * starts after a write never returns data loaded before it.
 */
export function createCache(store: CacheStore): Cache {
  const loads = new Map<string, Promise<CacheEntry>>()
  const timedOutWrites = new Set<string>()
  let isInvalidatingAgain = false

  /** Invalidates the tags again once the database has recovered, because it may still commit a write that timed out. */
  const invalidateAgainLater = async (tags: readonly string[]): Promise<void> => {
    for (const tag of tags) timedOutWrites.add(tag)
    if (isInvalidatingAgain) return
    isInvalidatingAgain = true
    while (timedOutWrites.size > 0) {
      const pending = [...timedOutWrites]
      const isReachable = await assertDatabaseReachable().then(
        () => true,
        () => false,
      )
      if (isReachable) for (const tag of pending) timedOutWrites.delete(tag)
      await sleep(LATE_COMMIT_WINDOW_MS, undefined, { ref: false })
      if (isReachable) await store.invalidate(pending, await store.beginInvalidation(pending))
    }
    isInvalidatingAgain = false
  }

  const loadOnce = (key: string, versions: string, load: () => Promise<CacheEntry>): Promise<CacheEntry> => {
    const loadKey = `${versions} ${key}`
    const inProgress = loads.get(loadKey)
    if (inProgress !== undefined) return inProgress
    const loading = (async () => {
      try {
        const entry = await load()
        await store.set(key, versions, entry)
        return entry
      } finally {
        loads.delete(loadKey)
      }
    })()
    loads.set(loadKey, loading)
    return loading
  }

  const invalidateNow = async (tags: readonly string[]): Promise<void> => {
    await store.invalidate(tags, await store.beginInvalidation(tags))
  }

  return {
    read: async (key, tags, load) => {
      // What a transaction reads may never be committed.
      if (openTransaction() !== undefined) return { entry: await load(), hit: false }
      const found = await store.get(key, tags)
      if (found.versions === undefined) return { entry: await load(), hit: false }
      if (found.entry !== undefined) return { entry: found.entry, hit: true }
      return { entry: await loadOnce(key, found.versions, load), hit: false }
    },
    write: async (tags, work) => {
      if (isDryRun()) return work()
      const marker = await store.beginInvalidation(tags)
      try {
        return await work()
      } catch (error) {
        if (hasTimedOut(error)) void invalidateAgainLater(tags)
        throw error
      } finally {
        // Also after a failure: when the connection breaks during a commit, the write may have succeeded.
        await store.invalidate(tags, marker)
        // Reads before the commit of a larger transaction have stored what the write replaces.
        if (openTransaction() !== undefined) await afterCommit(() => invalidateNow(tags))
      }
    },
  }
}

/** Returns the cache of the process: in Redis with `REDIS_URL`, otherwise in memory. */
export const cache = processSingleton('cache', () =>
  createCache(config().redisUrl === undefined ? memoryStore() : redisStore(redis)),
)
