import type { Redis } from 'ioredis'
import { LRUCache } from 'lru-cache'
import {
  RateLimiterMemory,
  RateLimiterRedis,
  type RateLimiterAbstract,
  type RateLimiterRes,
} from 'rate-limiter-flexible'
import { config, type RateLimit, type RateLimits } from '@/lib/config'
import { redis } from './redis'
import { processSingleton } from '@/lib/process-singleton'

export type LimitName = keyof RateLimits

/** The state of a key within a limit. */
export type LimitState = { allowed: boolean; limit: number; remaining: number; resetSeconds: number }

/** Limits the memory of a limiter to some 20 MB when requests come from very many addresses. */
const KEYS_MAX = 50_000

/** A memory limiter that evicts the least recently used keys beyond `KEYS_MAX`. */
class BoundedRateLimiterMemory extends RateLimiterMemory {
  readonly #keys = new LRUCache<string | number, true>({
    max: KEYS_MAX,
    dispose: (_value, key, reason) => {
      if (reason === 'evict') void this.delete(key)
    },
  })

  override penalty(key: string | number, points?: number): Promise<RateLimiterRes> {
    this.#keys.set(key, true)
    return super.penalty(key, points)
  }
}

type Limiter = { counting: RateLimiterAbstract; memory: RateLimiterMemory }
type Limiters = { limits: RateLimits; client: Redis | undefined; byName: Map<LimitName, Limiter> }

const rateLimiters = processSingleton<Limiters>('rate-limiters', () => ({
  limits: config().rateLimits,
  client: redis(),
  byName: new Map(),
}))

function createLimiter(name: LimitName, { maxRequests, windowSeconds }: RateLimit, client: Redis | undefined): Limiter {
  const options = { keyPrefix: `hearth:limit:${name}`, points: maxRequests, duration: windowSeconds }
  const memory = new BoundedRateLimiterMemory(options)
  if (client === undefined) return { counting: memory, memory }
  const counting = new RateLimiterRedis({
    ...options,
    storeClient: client,
    insuranceLimiter: memory,
    rejectIfRedisNotReady: true,
  })
  return { counting, memory }
}

/** Returns the process's limiter of this name, creating all limiters again when the configuration has changed. */
function limiterOf(name: LimitName): Limiter {
  const { limits, client } = rateLimiters()
  if (limits !== config().rateLimits || client !== redis()) rateLimiters.replace(undefined)
  const { byName } = rateLimiters()
  const known = byName.get(name)
  if (known !== undefined) return known
  const limiter = createLimiter(name, config().rateLimits[name], redis())
  byName.set(name, limiter)
  return limiter
}

/** Returns whether a limit is enabled. */
export function isLimited(name: LimitName): boolean {
  return config().rateLimits[name].maxRequests > 0
}

/**
 * Counts a request for `key` in a fixed window that begins with the first request. Returns undefined if the limit is
 * disabled. Instances share their counters in Redis; while it is unreachable, or without `REDIS_URL`, each counts by itself.
 */
export async function consume(name: LimitName, key: string): Promise<LimitState | undefined> {
  const { maxRequests } = config().rateLimits[name]
  if (maxRequests === 0) return undefined
  // `penalty` is the library's `consume`, except that it does not reject over the limit.
  const result = await limiterOf(name).counting.penalty(key)
  return {
    allowed: result.consumedPoints <= maxRequests,
    limit: maxRequests,
    remaining: Math.max(0, maxRequests - result.consumedPoints),
    resetSeconds: Math.max(1, Math.ceil(result.msBeforeNext / 1000)),
  }
}

/** Reverses one count of `key`. */
export async function refund(name: LimitName, key: string): Promise<void> {
  if (isLimited(name)) await limiterOf(name).counting.reward(key)
}

/** Resets the count of `key`, also the one in memory from while Redis was unreachable. */
export async function resetCount(name: LimitName, key: string): Promise<void> {
  if (!isLimited(name)) return
  const { counting, memory } = limiterOf(name)
  await Promise.all([counting.delete(key), memory.delete(key)])
}
