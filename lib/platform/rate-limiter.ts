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

/** Where somebody stands within a limit. */
export type LimitState = { allowed: boolean; limit: number; remaining: number; resetSeconds: number }

/** How many callers a limiter in memory knows at most: some 20 MB, whatever flood of addresses comes. */
const KEYS_MAX = 50_000

/** The library's limiter in memory, forgetting whoever was not seen for longest once there are `KEYS_MAX`. */
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
type Limiters = { settings: RateLimits; client: Redis | undefined; byName: Map<LimitName, Limiter> }

const rateLimiters = processSingleton<Limiters>('rate-limiters', () => ({
  settings: config().rateLimits,
  client: redis(),
  byName: new Map(),
}))

function makeLimiter(name: LimitName, { maxRequests, windowSeconds }: RateLimit, client: Redis | undefined): Limiter {
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

/** One limiter a name for the whole process, whichever copy of this module asks; made anew when the settings change. */
function limiterOf(name: LimitName): Limiter {
  const { settings, client } = rateLimiters()
  if (settings !== config().rateLimits || client !== redis()) rateLimiters.replace(undefined)
  const { byName } = rateLimiters()
  const known = byName.get(name)
  if (known !== undefined) return known
  const limiter = makeLimiter(name, config().rateLimits[name], redis())
  byName.set(name, limiter)
  return limiter
}

/** Whether a limit is on. */
export function isLimited(name: LimitName): boolean {
  return config().rateLimits[name].maxRequests > 0
}

/**
 * Counts one more for `key` and says where that leaves it; undefined where the limit is off. In Redis the counter is
 * that of all instances. While Redis is away, and without `REDIS_URL`, it is this process's own: neither open nor
 * closed. Windows are fixed and begin with the first count.
 */
export async function consume(name: LimitName, key: string): Promise<LimitState | undefined> {
  const { maxRequests } = config().rateLimits[name]
  if (maxRequests === 0) return undefined
  // `penalty` is `consume` that does not reject over the limit: being limited is an answer here, not an error.
  const result = await limiterOf(name).counting.penalty(key)
  return {
    allowed: result.consumedPoints <= maxRequests,
    limit: maxRequests,
    remaining: Math.max(0, maxRequests - result.consumedPoints),
    resetSeconds: Math.max(1, Math.ceil(result.msBeforeNext / 1000)),
  }
}

/** Takes back one count of `key`, for what turned out not to count. */
export async function refund(name: LimitName, key: string): Promise<void> {
  if (isLimited(name)) await limiterOf(name).counting.reward(key)
}

/** Forgets all counts of `key`, those too that were made in memory while Redis was away. */
export async function resetCount(name: LimitName, key: string): Promise<void> {
  if (!isLimited(name)) return
  const { counting, memory } = limiterOf(name)
  await Promise.all([counting.delete(key), memory.delete(key)])
}
