import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { createCache, type Cache } from '@/lib/platform/cache/cache'
import type { CacheEntry, CacheStore } from '@/lib/platform/cache/store'
import { memoryStore } from '@/lib/platform/cache/memory-store'
import { redisStore } from '@/lib/platform/cache/redis-store'
import { startRedis, type RunningRedis } from '../../../support/redis'
import { waitFor } from '../../../support/wait'

let folder: string
let redis: RunningRedis
const clients: Redis[] = []

/** Connects like an instance of the server. */
function connect(): Redis {
  const client = new Redis(redis.url, {
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    commandTimeout: 250,
    retryStrategy: () => 20,
  })
  client.on('error', () => {})
  clients.push(client)
  return client
}

async function ready(client: Redis): Promise<Redis> {
  if (client.status !== 'ready') await new Promise((resolve) => client.once('ready', resolve))
  return client
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hearth-cache-'))
  redis = await startRedis(folder)
})

afterEach(async () => {
  await clients[0]?.flushall()
  for (const client of clients.splice(0)) client.disconnect()
})

afterAll(async () => {
  await redis.kill()
  await rm(folder, { recursive: true, force: true })
})

const entry = (text: string): CacheEntry => ({ body: Buffer.from(text), properties: { ETag: `"${text}"` } })
const textOf = (read: { entry: CacheEntry }) => read.entry.body.toString()

/** Returns a promise and the function that resolves it. */
function gate(): { opened: Promise<void>; open: () => void } {
  let open = () => {}
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  return { opened, open }
}

const stores: [string, (limits?: { ttlMs: number }) => Promise<CacheStore>][] = [
  ['memory', async (limits) => memoryStore(limits)],
  [
    'Redis',
    async (limits) => {
      const client = await ready(connect())
      return redisStore(() => client, limits)
    },
  ],
]

describe.each(stores)('the cache in %s', (_name, createStore) => {
  let cache: Cache
  beforeEach(async () => {
    cache = createCache(await createStore())
  })

  it('returns the stored body and properties unchanged to the second reader', async () => {
    const bytes = { body: Buffer.from([0, 10, 255, 13, 10]), properties: { ETag: '"ü"', Link: '<a\nb>' } }
    const first = await cache.read('key', ['tag'], async () => bytes)
    const second = await cache.read('key', ['tag'], async () => entry('never'))
    expect(first).toEqual({ entry: bytes, hit: false })
    expect(second).toEqual({ entry: bytes, hit: true })
  })

  it('invalidates only entries with a tag of the write', async () => {
    await cache.read('one', ['all', 'one'], async () => entry('1'))
    await cache.read('two', ['all', 'two'], async () => entry('2'))
    await cache.write(['one'], async () => {})
    expect((await cache.read('two', ['all', 'two'], async () => entry('never'))).hit).toBe(true)
    expect(textOf(await cache.read('one', ['all', 'one'], async () => entry('new')))).toBe('new')
    await cache.write(['all'], async () => {})
    expect(textOf(await cache.read('two', ['all', 'two'], async () => entry('new')))).toBe('new')
  })

  it('invalidates after a failed write, which may have been committed', async () => {
    await cache.read('key', ['tag'], async () => entry('old'))
    await expect(cache.write(['tag'], () => Promise.reject(new Error('lost')))).rejects.toThrow('lost')
    expect((await cache.read('key', ['tag'], async () => entry('new'))).hit).toBe(false)
  })

  it('invalidates again after a write that timed out, which may be committed later', async () => {
    const message = 'Query read timeout'
    await expect(cache.write(['tag'], () => Promise.reject(new Error(message)))).rejects.toThrow(message)
    await cache.read('key', ['tag'], async () => entry('old'))
    expect((await cache.read('key', ['tag'], async () => entry('never'))).hit).toBe(true)
    await waitFor(
      'the new entry',
      async () => textOf(await cache.read('key', ['tag'], async () => entry('new'))) === 'new',
    )
  })

  it('does not store the result of a slow read that started before a write', async () => {
    let stored = 'old'
    const slow = gate()
    const slowRead = cache.read('key', ['tag'], async () => {
      const seen = stored
      await slow.opened
      return entry(seen)
    })
    await new Promise((resolve) => setTimeout(resolve, 20))
    await cache.write(['tag'], async () => {
      stored = 'new'
    })
    // While the slow read is in progress, and after it has finished.
    expect(textOf(await cache.read('key', ['tag'], async () => entry(stored)))).toBe('new')
    slow.open()
    expect(textOf(await slowRead)).toBe('old')
    expect(textOf(await cache.read('key', ['tag'], async () => entry(stored)))).toBe('new')
  })

  it('does not store what was read while a write was in progress', async () => {
    let stored = 'old'
    const commit = gate()
    const writing = cache.write(['tag'], async () => {
      await commit.opened
      stored = 'new'
    })
    expect(textOf(await cache.read('key', ['tag'], async () => entry(stored)))).toBe('old')
    commit.open()
    await writing
    expect(textOf(await cache.read('key', ['tag'], async () => entry(stored)))).toBe('new')
  })

  it('returns every finished write to later reads under concurrency', async () => {
    let stored = 0
    let newestWritten = 0
    const wait = () => new Promise((resolve) => setTimeout(resolve, Math.random() * 5))
    const readers = Array.from({ length: 10 }, async () => {
      for (let turn = 0; turn < 40; turn += 1) {
        const oldestAllowed = newestWritten
        const result = await cache.read('key', ['all', 'tag'], async () => {
          const seen = stored
          await wait()
          return entry(String(seen))
        })
        expect(Number(textOf(result))).toBeGreaterThanOrEqual(oldestAllowed)
        await wait()
      }
    })
    const writers = Array.from({ length: 2 }, async () => {
      for (let turn = 0; turn < 30; turn += 1) {
        let mine = 0
        await cache.write([turn % 2 === 0 ? 'tag' : 'all'], async () => {
          await wait()
          stored += 1
          mine = stored
          await wait()
        })
        newestWritten = Math.max(newestWritten, mine)
        await wait()
      }
    })
    await Promise.all([...readers, ...writers])
  })

  it('loads once for concurrent misses', async () => {
    let loads = 0
    const load = async () => {
      loads += 1
      await new Promise((resolve) => setTimeout(resolve, 30))
      return entry('loaded')
    }
    const reads = await Promise.all(Array.from({ length: 50 }, () => cache.read('key', ['tag'], load)))
    expect(new Set(reads.map(textOf))).toEqual(new Set(['loaded']))
    expect(loads).toBe(1)
  })

  it('does not store failures', async () => {
    await expect(cache.read('key', ['tag'], () => Promise.reject(new Error('down')))).rejects.toThrow('down')
    expect(textOf(await cache.read('key', ['tag'], async () => entry('up')))).toBe('up')
  })

  it('expires entries after their TTL', async () => {
    const shortLived = createCache(await createStore({ ttlMs: 30 }))
    await shortLived.read('key', ['tag'], async () => entry('old'))
    await new Promise((resolve) => setTimeout(resolve, 60))
    expect((await shortLived.read('key', ['tag'], async () => entry('new'))).hit).toBe(false)
  })
})

describe('the cache in memory', () => {
  it('invalidates the entries of an evicted tag', async () => {
    const cache = createCache(memoryStore({ tagsMax: 2 }))
    await cache.read('one', ['one'], async () => entry('1'))
    await cache.read('two', ['two'], async () => entry('2'))
    await cache.read('three', ['three'], async () => entry('3'))
    expect((await cache.read('one', ['one'], async () => entry('new'))).hit).toBe(false)
  })
})

describe('the cache in Redis', () => {
  const instance = async () => {
    const client = await ready(connect())
    return { client, cache: createCache(redisStore(() => client)) }
  }

  it('invalidates the entries of other instances immediately', async () => {
    const [one, two] = [await instance(), await instance()]
    await one.cache.read('key', ['tag'], async () => entry('old'))
    expect((await two.cache.read('key', ['tag'], async () => entry('never'))).hit).toBe(true)
    await two.cache.write(['tag'], async () => {})
    expect(textOf(await one.cache.read('key', ['tag'], async () => entry('new')))).toBe('new')
  })

  it('misses while a writer may have crashed between commit and invalidation', async () => {
    const [one, two] = [await instance(), await instance()]
    await one.cache.read('key', ['tag'], async () => entry('old'))
    void two.cache.write(['tag'], () => new Promise(() => {}))
    await new Promise((resolve) => setTimeout(resolve, 50))
    two.client.disconnect()
    expect(textOf(await one.cache.read('key', ['tag'], async () => entry('new')))).toBe('new')
  })

  it('loads from the database during an outage, and invalidates the writes made meanwhile', async () => {
    const one = await instance()
    await one.cache.read('key', ['tag'], async () => entry('old'))
    redis.pause()
    try {
      expect(textOf(await one.cache.read('key', ['tag'], async () => entry('from the database')))).toBe(
        'from the database',
      )
      await one.cache.write(['tag'], async () => {})
    } finally {
      redis.resume()
    }
    await new Promise((resolve) => setTimeout(resolve, 100))
    const after = await one.cache.read('key', ['tag'], async () => entry('new'))
    expect({ text: textOf(after), hit: after.hit }).toEqual({ text: 'new', hit: false })

    await redis.kill()
    expect(textOf(await one.cache.read('key', ['tag'], async () => entry('from the database')))).toBe(
      'from the database',
    )
    await redis.restart()
    await ready(one.client)
    expect((await one.cache.read('key', ['tag'], async () => entry('fresh'))).hit).toBe(false)
    await waitFor('a hit', async () => (await one.cache.read('key', ['tag'], async () => entry('fresh'))).hit)
  })

  it.each([
    ['restarts with its data', () => redis.kill(), () => redis.restart()],
    ['hangs', async () => redis.pause(), async () => redis.resume()],
  ] as const)(
    'returns no stale entries when Redis %s and an instance that wrote meanwhile is disconnected',
    async (...outage) => {
      const [, begin, end] = outage
      const [reader, writer, victim] = [await instance(), await instance(), await instance()]
      for (const key of ['one', 'two']) {
        await reader.cache.read(key, [key], async () => entry('old'))
        expect((await reader.cache.read(key, [key], async () => entry('never'))).hit).toBe(true)
      }
      await begin()
      await writer.cache.write(['one'], async () => {})
      await victim.cache.write(['two'], async () => {})
      victim.client.disconnect()
      await end()
      await ready(reader.client)
      for (const key of ['one', 'two']) {
        await waitFor('a hit', async () => {
          const read = await reader.cache.read(key, [key], async () => entry('new'))
          expect(textOf(read)).toBe('new')
          return read.hit
        })
      }
    },
  )

  it('stores nothing while another instance that reconnected may have pending invalidations', async () => {
    const [one, two] = [await instance(), await instance()]
    await one.cache.read('key', ['tag'], async () => entry('old'))
    await two.cache.read('key', ['tag'], async () => entry('never'))
    two.client.disconnect(true)
    await ready(two.client)
    await waitFor('the marker', async () => (await one.client.get('hearth:cache:1:version:*'))?.startsWith('!'))
    expect((await one.cache.read('key', ['tag'], async () => entry('new'))).hit).toBe(false)
    expect((await one.cache.read('key', ['tag'], async () => entry('newer'))).hit).toBe(false)
    await waitFor('a hit', async () => (await one.cache.read('key', ['tag'], async () => entry('newest'))).hit)
    expect(textOf(await two.cache.read('key', ['tag'], async () => entry('never')))).toBe('newest')
  })
})
