import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Redis } from 'ioredis'
import type { CacheEntry, CacheStore } from './store'

const TTL_MS = 300_000
/** Longer than entries live: an expired version is replaced by a new one, which invalidates its entries. */
const VERSION_TTL_MS = 2 * TTL_MS
/** Longer than a write may take. If the process crashes during one, its tags are not cached for this long. */
const MARKER_TTL_MS = 60_000
/** Longer than an instance needs to reconnect, see `redis.ts`. */
const SETTLING_MS = 2_000
const RETRY_MS = 100

const PREFIX = 'hearth:cache:1:'
/** The first character of a marker: a version that says that a write is in progress. */
const MARKER_PREFIX = '!'
/** The tag of every entry. */
const GLOBAL_TAG = '*'
const LINE_FEED = 0x0a
const DELETE_BATCH = 1_000

/** Deletes the versions of the tags and this write's marker, but not the markers of other writes in progress. */
const INVALIDATE = `
for _, key in ipairs(KEYS) do
  local version = redis.call('GET', key)
  if version and (version == ARGV[1] or string.sub(version, 1, 1) ~= '${MARKER_PREFIX}') then redis.call('DEL', key) end
end`

const createMarker = () => `${MARKER_PREFIX}${randomUUID()}`
const entryKeyOf = (key: string) => `${PREFIX}entry:${key}`
const versionKeyOf = (tag: string) => `${PREFIX}version:${tag}`

/** Encodes an entry as a line of JSON with the versions and the properties, followed by the unchanged body. */
function encode(versions: string, entry: CacheEntry): Buffer {
  return Buffer.concat([Buffer.from(`${JSON.stringify([versions, entry.properties])}\n`), entry.body])
}

function decode(bytes: Buffer | null | undefined, versions: string): CacheEntry | undefined {
  if (bytes === null || bytes === undefined) return undefined
  const end = bytes.indexOf(LINE_FEED)
  const [storedUnder, properties]: [string, Record<string, string>] = JSON.parse(bytes.toString('utf8', 0, end))
  return storedUnder === versions ? { body: bytes.subarray(end + 1), properties } : undefined
}

/**
 * Stores entries in Redis, so that a write is visible to all instances immediately. Nothing is cached while Redis is
 * unreachable.
 *
 * After a Redis outage, instances may have written without invalidating, or crashed before they could. On reconnect each
 * instance therefore marks the global tag, which invalidates all entries and disables caching for `SETTLING_MS`, so that
 * all instances have time to do the same. If Redis loses data, entries become invalid, never stale.
 */
export function redisStore(connection: () => Redis | undefined, limits: { ttlMs?: number } = {}): CacheStore {
  const pendingInvalidations = new Set<string>()
  const watched = new WeakSet<Redis>()
  let isRecovering = false

  const flushInvalidations = async (redis: Redis): Promise<void> => {
    await redis.set(versionKeyOf(GLOBAL_TAG), createMarker(), 'PX', SETTLING_MS)
    // Otherwise the markers of these finished writes would disable caching of their tags for `MARKER_TTL_MS`.
    while (pendingInvalidations.size > 0) {
      const tags = [...pendingInvalidations].slice(0, DELETE_BATCH)
      await redis.del(tags.map(versionKeyOf))
      for (const tag of tags) pendingInvalidations.delete(tag)
    }
  }

  const recover = async (redis: Redis): Promise<void> => {
    if (isRecovering) return
    isRecovering = true
    for (let isFlushed = false; !isFlushed && redis.status !== 'end';) {
      isFlushed = await flushInvalidations(redis).then(
        () => pendingInvalidations.size === 0,
        () => false,
      )
      if (!isFlushed) await sleep(RETRY_MS, undefined, { ref: false })
    }
    isRecovering = false
  }

  const client = (): Redis => {
    const redis = connection()
    if (redis !== undefined && !watched.has(redis)) {
      watched.add(redis)
      redis.on('close', () => void recover(redis))
    }
    if (redis === undefined || redis.status !== 'ready' || isRecovering) throw new Error('Redis is unreachable.')
    return redis
  }

  const createVersions = async (redis: Redis, keys: string[]): Promise<string[] | undefined> => {
    const commands = redis.pipeline()
    for (const key of keys) commands.set(key, randomUUID(), 'PX', VERSION_TTL_MS, 'NX')
    await commands.exec()
    const versions = await redis.mget(keys)
    const present = versions.filter((version) => version !== null)
    return present.length === keys.length ? present : undefined
  }

  return {
    get: async (key, tags) => {
      try {
        const redis = client()
        const versionKeys = [GLOBAL_TAG, ...tags].map(versionKeyOf)
        const values = await redis.mgetBuffer([...versionKeys, entryKeyOf(key)])
        const bytes = values.pop()
        const known = values.flatMap((value) => (value === null ? [] : [value.toString()]))
        const versions = known.length === versionKeys.length ? known : await createVersions(redis, versionKeys)
        if (versions === undefined || versions.some((version) => version.startsWith(MARKER_PREFIX)))
          return { versions: undefined }
        const joined = versions.join()
        return { versions: joined, entry: decode(bytes, joined) }
      } catch {
        return { versions: undefined }
      }
    },
    set: async (key, versions, entry) => {
      try {
        await client().set(entryKeyOf(key), encode(versions, entry), 'PX', limits.ttlMs ?? TTL_MS)
      } catch {
        // The next read loads the entry again.
      }
    },
    beginInvalidation: async (tags) => {
      const marker = createMarker()
      try {
        const commands = client().pipeline()
        for (const tag of tags) commands.set(versionKeyOf(tag), marker, 'PX', MARKER_TTL_MS)
        await commands.exec()
      } catch {
        // `invalidate` replaces the versions after the write in any case.
      }
      return marker
    },
    invalidate: async (tags, marker) => {
      try {
        await client().eval(INVALIDATE, tags.length, ...tags.map(versionKeyOf), marker)
      } catch {
        for (const tag of tags) pendingInvalidations.add(tag)
        const redis = connection()
        if (redis !== undefined) void recover(redis)
      }
    },
  }
}
