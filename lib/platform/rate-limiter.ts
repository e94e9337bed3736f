import type { Redis } from 'ioredis'
import { LRUCache } from 'lru-cache'
import { RateLimiterMemory, RateLimiterRedis, RateLimiterRes, type RateLimiterAbstract } from 'rate-limiter-flexible'
import { config, type RateLimit, type RateLimits } from '@/lib/config'
import { callPrimary, isGroupMember, onCall } from './processes/process-group'
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

/**
 * Counts in the memory of the primary process, for all processes of the server. The library's own cluster limiter sends a
 * message for each request and limits neither keys nor memory.
 */
class PrimaryRateLimiter extends RateLimiterMemory {
  readonly #name: LimitName

  constructor(name: LimitName, options: ConstructorParameters<typeof RateLimiterMemory>[0]) {
    super(options)
    this.#name = name
  }

  async #change(change: 'penalty' | 'reward', key: string | number): Promise<RateLimiterRes> {
    const result = await callPrimary(`limit-${change}`, [this.#name, String(key)])
    const [consumed, msBeforeNext]: unknown[] = Array.isArray(result) ? result : []
    return new RateLimiterRes(0, Number(msBeforeNext), Number(consumed))
  }

  override penalty(key: string | number): Promise<RateLimiterRes> {
    return this.#change('penalty', key)
  }

  override reward(key: string | number): Promise<RateLimiterRes> {
    return this.#change('reward', key)
  }

  override async delete(key: string | number): Promise<boolean> {
    return (await callPrimary('limit-delete', [this.#name, String(key)])) === true
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
  const memory = isGroupMember() ? new PrimaryRateLimiter(name, options) : new BoundedRateLimiterMemory(options)
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
 * disabled. Instances share their counters in Redis; while it is unreachable, or without `REDIS_URL`, each counts by itself,
 * in one place for all of its processes.
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

function isLimitName(name: string): name is LimitName {
  return Object.hasOwn(config().rateLimits, name)
}

/** Counts for the other processes of the server. The primary process calls it once. */
export function handleLimiterCalls(): void {
  const memoryOf = (name: string): RateLimiterMemory => {
    if (!isLimitName(name)) throw new Error(`There is no limit ${name}.`)
    return limiterOf(name).memory
  }
  for (const change of ['penalty', 'reward'] as const) {
    onCall(`limit-${change}`, async ([name = '', key = '']) => {
      const { consumedPoints, msBeforeNext } = await memoryOf(name)[change](key)
      return [consumedPoints, msBeforeNext]
    })
  }
  onCall('limit-delete', ([name = '', key = '']) => memoryOf(name).delete(key))
}
