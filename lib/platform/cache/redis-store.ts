import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Redis } from 'ioredis'
import type { CacheEntry, CacheStore } from './store'

const TTL_MS = 300_000
/** A stamp that expires is made anew and makes its entries void, so that it had better outlive them. */
const STAMP_TTL_MS = 2 * TTL_MS
/** Longer than any write to the database may take. If the writer dies, its groups are not cached for as long. */
const WRITE_TTL_MS = 60_000
/** Longer than an instance that lost its connection takes to have another, see `redis.ts`. */
const SETTLING_MS = 2_000
const RETRY_MS = 100

const PREFIX = 'hearth:cache:1:'
/** Marks a stamp that says: a write is under way. */
const WRITING = '!'
/** The group that every entry belongs to. */
const EVERYTHING = '*'
const LINE_FEED = 0x0a
const DELETE_BATCH = 1_000

/** Ends a write: its mark goes, and so does any stamp that readers made; the mark of another write under way stays. */
const END_WRITE = `
for _, key in ipairs(KEYS) do
  local stamp = redis.call('GET', key)
  if stamp and (stamp == ARGV[1] or string.sub(stamp, 1, 1) ~= '${WRITING}') then redis.call('DEL', key) end
end`

const keyOf = (key: string) => `${PREFIX}entry:${key}`
const stampKeyOf = (group: string) => `${PREFIX}stamp:${group}`

/** One line of JSON with the stamps and the properties, then the body as it is. */
function encode(stamps: string, entry: CacheEntry): Buffer {
  return Buffer.concat([Buffer.from(`${JSON.stringify([stamps, entry.properties])}\n`), entry.body])
}

function decode(bytes: Buffer | null | undefined, stamps: string): CacheEntry | undefined {
  if (bytes === null || bytes === undefined) return undefined
  const end = bytes.indexOf(LINE_FEED)
  const [under, properties]: [string, Record<string, string>] = JSON.parse(bytes.toString('utf8', 0, end))
  return under === stamps ? { body: bytes.subarray(end + 1), properties } : undefined
}

/**
 * Entries in Redis, where all instances see each other's writes at once. While Redis cannot be asked nothing is cached.
 *
 * Whoever was out of touch with it may have written without a word, and others may have died before they got to say
 * theirs. So whoever is back in touch makes everything void that is there, and has all instances keep nothing for
 * `SETTLING_MS`, in which the others come back and do the same. Should Redis lose its memory, or only stamps of it,
 * entries become void rather than stale.
 */
export function redisStore(connection: () => Redis | undefined, limits: { ttlMs?: number } = {}): CacheStore {
  const pendingInvalidations = new Set<string>()
  const watched = new WeakSet<Redis>()
  let isRecovering = false

  const tell = async (redis: Redis): Promise<void> => {
    await redis.set(stampKeyOf(EVERYTHING), `${WRITING}${randomUUID()}`, 'PX', SETTLING_MS)
    // Marks of writes whose end Redis did not hear of would stand for as long as those of dead writers.
    while (pendingInvalidations.size > 0) {
      const groups = [...pendingInvalidations].slice(0, DELETE_BATCH)
      await redis.del(groups.map(stampKeyOf))
      for (const group of groups) pendingInvalidations.delete(group)
    }
  }

  const settle = async (redis: Redis): Promise<void> => {
    if (isRecovering) return
    isRecovering = true
    for (let isTold = false; !isTold && redis.status !== 'end';) {
      isTold = await tell(redis).then(
        () => pendingInvalidations.size === 0,
        () => false,
      )
      if (!isTold) await sleep(RETRY_MS, undefined, { ref: false })
    }
    isRecovering = false
  }

  const client = (): Redis => {
    const redis = connection()
    if (redis !== undefined && !watched.has(redis)) {
      watched.add(redis)
      redis.on('close', () => void settle(redis))
    }
    if (redis === undefined || redis.status !== 'ready' || isRecovering) throw new Error('Redis cannot be asked.')
    return redis
  }

  const readStamps = async (redis: Redis, keys: string[]): Promise<string[] | undefined> => {
    const commands = redis.pipeline()
    for (const key of keys) commands.set(key, randomUUID(), 'PX', STAMP_TTL_MS, 'NX')
    await commands.exec()
    const stamps = await redis.mget(keys)
    const present = stamps.filter((stamp) => stamp !== null)
    return present.length === keys.length ? present : undefined
  }

  return {
    lookUp: async (key, groups) => {
      try {
        const redis = client()
        const stampKeys = [EVERYTHING, ...groups].map(stampKeyOf)
        const values = await redis.mgetBuffer([...stampKeys, keyOf(key)])
        const bytes = values.pop()
        const known = values.flatMap((value) => (value === null ? [] : [value.toString()]))
        const stamps = known.length === stampKeys.length ? known : await readStamps(redis, stampKeys)
        if (stamps === undefined || stamps.some((stamp) => stamp.startsWith(WRITING))) return { stamps: undefined }
        const joined = stamps.join()
        return { stamps: joined, entry: decode(bytes, joined) }
      } catch {
        return { stamps: undefined }
      }
    },
    keep: async (key, stamps, entry) => {
      try {
        await client().set(keyOf(key), encode(stamps, entry), 'PX', limits.ttlMs ?? TTL_MS)
      } catch {
        // Then the next reader asks the database again.
      }
    },
    beginInvalidation: async (groups) => {
      const write = `${WRITING}${randomUUID()}`
      try {
        const commands = client().pipeline()
        for (const group of groups) commands.set(stampKeyOf(group), write, 'PX', WRITE_TTL_MS)
        await commands.exec()
      } catch {
        // The end of the write has Redis told as soon as it can be.
      }
      return write
    },
    invalidate: async (groups, write) => {
      try {
        await client().eval(END_WRITE, groups.length, ...groups.map(stampKeyOf), write)
      } catch {
        for (const group of groups) pendingInvalidations.add(group)
        const redis = connection()
        if (redis !== undefined) void settle(redis)
      }
    },
  }
}
