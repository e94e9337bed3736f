/** What the cache keeps: bytes as they will be sent, and short texts that belong to them. */
export type CacheEntry = { body: Buffer; properties: Record<string, string> }

/**
 * Where entries lie. Each entry belongs to groups; each group has a stamp, which a write of anything in the group
 * replaces. An entry counts only while the stamps under which it was loaded are those of its groups.
 */
export type CacheStore = {
  /**
   * The stamps of the groups, which a group without one gets now, and the entry if there is one under these stamps.
   * Without stamps nothing may be kept: a write is under way, or the store cannot be asked.
   */
  lookUp: (
    key: string,
    groups: readonly string[],
  ) => Promise<{ stamps: string; entry: CacheEntry | undefined } | { stamps: undefined }>
  /** Keeps an entry under stamps that `lookUp` gave before it was loaded. Failing is no fault. */
  keep: (key: string, stamps: string, entry: CacheEntry) => Promise<void>
  /** Announces a write to these groups. What it returns goes to `invalidate`. */
  beginInvalidation: (groups: readonly string[]) => Promise<string>
  /** Replaces the stamps of the groups, once the write is over. */
  invalidate: (groups: readonly string[], write: string) => Promise<void>
}
