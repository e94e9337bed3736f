import { setTimeout as sleep } from 'node:timers/promises'
import { config } from '@/lib/config'
import type { CacheEntry, CacheStore } from './store'
import { hasTimedOut } from '@/lib/platform/db/errors'
import { memoryStore } from './memory-store'
import { assertDatabaseReachable } from '@/lib/platform/db/prisma'
import { redis } from '@/lib/platform/redis'
import { redisStore } from './redis-store'
import { processSingleton } from '@/lib/process-singleton'

export type { CacheEntry } from './store'

export type Cache = {
  /** The entry under a key, or what `load` makes, which is kept for the next reader. Entries are not to be changed. */
  read: (
    key: string,
    groups: readonly string[],
    load: () => Promise<CacheEntry>,
  ) => Promise<{ entry: CacheEntry; hit: boolean }>
  /** Does a write that touches these groups. When it is over, well or not, no reader is given what was read before. */
  write: <T>(groups: readonly string[], work: () => Promise<T>) => Promise<T>
}

/** How long after it answers again a database may take over what it was sent before it fell silent. */
const LATE_COMMIT_WINDOW_MS = 1_000

/**
 * A cache over a store. Readers that miss together share one load, but only with readers who saw the same stamps: one
 * who comes after a write never gets what a slow load began to read before it.
 */
export function createCache(store: CacheStore): Cache {
  const loads = new Map<string, Promise<CacheEntry>>()
  const timedOutWrites = new Set<string>()
  let isForgetting = false

  /**
   * A write that was given up may yet take place, when the database comes round. What readers met until then is
   * forgotten once more.
   */
  const invalidateAgainLater = async (groups: readonly string[]): Promise<void> => {
    for (const group of groups) timedOutWrites.add(group)
    if (isForgetting) return
    isForgetting = true
    while (timedOutWrites.size > 0) {
      const decided = [...timedOutWrites]
      const answers = await assertDatabaseReachable().then(
        () => true,
        () => false,
      )
      if (answers) for (const group of decided) timedOutWrites.delete(group)
      await sleep(LATE_COMMIT_WINDOW_MS, undefined, { ref: false })
      if (answers) await store.invalidate(decided, await store.beginInvalidation(decided))
    }
    isForgetting = false
  }

  const loadOnce = (key: string, stamps: string, load: () => Promise<CacheEntry>): Promise<CacheEntry> => {
    const name = `${stamps} ${key}`
    const underWay = loads.get(name)
    if (underWay !== undefined) return underWay
    const loading = (async () => {
      try {
        const entry = await load()
        await store.keep(key, stamps, entry)
        return entry
      } finally {
        loads.delete(name)
      }
    })()
    loads.set(name, loading)
    return loading
  }

  return {
    read: async (key, groups, load) => {
      const found = await store.lookUp(key, groups)
      if (found.stamps === undefined) return { entry: await load(), hit: false }
      if (found.entry !== undefined) return { entry: found.entry, hit: true }
      return { entry: await loadOnce(key, found.stamps, load), hit: false }
    },
    write: async (groups, work) => {
      const write = await store.beginInvalidation(groups)
      try {
        return await work()
      } catch (error) {
        if (hasTimedOut(error)) void invalidateAgainLater(groups)
        throw error
      } finally {
        // Also after a failure: a connection that breaks during a commit does not tell whether it took place.
        await store.invalidate(groups, write)
      }
    },
  }
}

/** Returns the cache of the process: in Redis with `REDIS_URL`, otherwise in memory. */
export const cache = processSingleton('cache', () =>
  createCache(config().redisUrl === undefined ? memoryStore() : redisStore(redis)),
)
