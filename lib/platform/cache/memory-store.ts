import { LRUCache } from 'lru-cache'
import type { CacheEntry, CacheStore } from './store'

/** How long another instance may go on with what was written here, without Redis to tell it. */
const TTL_MS = 10_000
const SIZE_MAX_BYTES = 64 * 1024 * 1024
const GROUPS_MAX = 100_000
/** What an entry costs beside its body: its key, its object, its place in the list. */
const ENTRY_OVERHEAD_BYTES = 512

/**
 * Entries in this process's memory, the longest unused of which go first. A group that was forgotten gets a new stamp,
 * and so makes its entries void.
 */
export function memoryStore(limits: { ttlMs?: number; groupsMax?: number } = {}): CacheStore {
  const entries = new LRUCache<string, { stamps: string; entry: CacheEntry }>({
    ttl: limits.ttlMs ?? TTL_MS,
    maxSize: SIZE_MAX_BYTES,
    sizeCalculation: ({ entry }, key) => entry.body.length + key.length + ENTRY_OVERHEAD_BYTES,
  })
  const stamps = new LRUCache<string, number>({ max: limits.groupsMax ?? GROUPS_MAX })
  let lastStamp = 0

  const stampOf = (group: string): number => {
    const known = stamps.get(group)
    if (known !== undefined) return known
    lastStamp += 1
    stamps.set(group, lastStamp)
    return lastStamp
  }

  return {
    lookUp: async (key, groups) => {
      const present = groups.map(stampOf).join()
      const found = entries.get(key)
      return { stamps: present, entry: found?.stamps === present ? found.entry : undefined }
    },
    keep: async (key, under, entry) => {
      entries.set(key, { stamps: under, entry })
    },
    // Whatever ends this process in the middle of a write ends its memory too.
    beginInvalidation: async () => '',
    invalidate: async (groups) => {
      for (const group of groups) stamps.delete(group)
    },
  }
}
