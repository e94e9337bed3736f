import { LRUCache } from 'lru-cache'
import { onCall, publish } from '@/lib/platform/processes/process-group'
import type { CacheEntry, CacheStore } from './store'

/** Without Redis, instances do not see each other's writes; this limits how long they serve stale entries. */
const TTL_MS = 10_000
const SIZE_MAX_BYTES = 64 * 1024 * 1024
const TAGS_MAX = 100_000
/** Estimated memory of an entry in addition to its body and key. */
const ENTRY_OVERHEAD_BYTES = 512

/**
 * Stores entries in the memory of the process, evicting the least recently used ones. Invalidations reach all processes of
 * this server.
 */
export function memoryStore(limits: { ttlMs?: number; tagsMax?: number } = {}): CacheStore {
  const entries = new LRUCache<string, { versions: string; entry: CacheEntry }>({
    ttl: limits.ttlMs ?? TTL_MS,
    maxSize: SIZE_MAX_BYTES,
    sizeCalculation: ({ entry }, key) => entry.body.length + key.length + ENTRY_OVERHEAD_BYTES,
  })
  // An evicted tag gets a new version, which invalidates its entries.
  const versionByTag = new LRUCache<string, number>({ max: limits.tagsMax ?? TAGS_MAX })
  let lastVersion = 0

  const versionOf = (tag: string): number => {
    const known = versionByTag.get(tag)
    if (known !== undefined) return known
    lastVersion += 1
    versionByTag.set(tag, lastVersion)
    return lastVersion
  }

  const invalidateHere = (tags: readonly string[]): void => {
    for (const tag of tags) versionByTag.delete(tag)
  }
  onCall('invalidate', invalidateHere)
  onCall('clear-cache', () => {
    entries.clear()
    versionByTag.clear()
  })

  return {
    get: async (key, tags) => {
      const versions = tags.map(versionOf).join()
      const found = entries.get(key)
      return { versions, entry: found?.versions === versions ? found.entry : undefined }
    },
    set: async (key, versions, entry) => {
      entries.set(key, { versions, entry })
    },
    // Needs no marker: a crash during a write loses the entries too, and the other processes then clear theirs.
    beginInvalidation: async () => '',
    invalidate: async (tags) => {
      invalidateHere(tags)
      await publish('invalidate', tags)
    },
  }
}
