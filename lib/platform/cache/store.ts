/** A response body, and the strings stored with it, such as its headers. */
export type CacheEntry = { body: Buffer; properties: Record<string, string> }

/**
 * Stores entries by key. Each entry has tags and each tag has a version, which every write to the tag replaces. An entry
 * is valid only while its tags have the versions under which it was loaded.
 */
export type CacheStore = {
  /**
   * Returns the versions of the tags, creating missing ones, and the entry stored under these versions, if any. Returns
   * no versions while nothing may be stored: a write is in progress, or the store is unreachable.
   */
  get: (
    key: string,
    tags: readonly string[],
  ) => Promise<{ versions: string; entry: CacheEntry | undefined } | { versions: undefined }>
  /** Stores an entry under the versions that `get` returned before it was loaded. Ignores failures. */
  set: (key: string, versions: string, entry: CacheEntry) => Promise<void>
  /** Announces a write to these tags and returns the marker to pass to `invalidate`. */
  beginInvalidation: (tags: readonly string[]) => Promise<string>
  /** Replaces the versions of the tags once the write has finished. */
  invalidate: (tags: readonly string[], marker: string) => Promise<void>
}
