import { Redis } from 'ioredis'
import { config } from '@/lib/config'
import { logger } from '@/lib/logger'
import { processSingleton } from '@/lib/process-singleton'

/** Time limits for a command, and for a connection that sends nothing while a response is due. */
const COMMAND_TIMEOUT_MS = 250
const SOCKET_TIMEOUT_MS = 500
/** The sum of these is the longest time to reconnect once Redis is reachable again. */
const CONNECT_TIMEOUT_MS = 1_000
const RECONNECT_DELAY_MAX_MS = 500

/** Redis is optional: commands fail fast while it is unreachable instead of queueing, and hung connections are replaced. */
function connect(): Redis | undefined {
  const { redisUrl } = config()
  if (redisUrl === undefined) return undefined
  const client = new Redis(redisUrl, {
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    commandTimeout: COMMAND_TIMEOUT_MS,
    socketTimeout: SOCKET_TIMEOUT_MS,
    connectTimeout: CONNECT_TIMEOUT_MS,
    retryStrategy: (attempt) => Math.min(attempt * 50, RECONNECT_DELAY_MAX_MS),
  })
  let reachable: boolean | undefined
  client.on('ready', () => {
    if (reachable === false) logger().info('Redis is reachable again')
    reachable = true
  })
  // Each failed reconnection emits an event; only the first is logged.
  client.on('error', (error) => {
    if (reachable !== false) logger().warn({ err: error }, 'Redis is unreachable')
    reachable = false
  })
  client.on('close', () => {
    if (reachable === true && redis.current() === client) logger().warn('Redis closed the connection')
    reachable = false
  })
  return client
}

/**
 * Returns the Redis client of the process, or undefined without `REDIS_URL`. Commands reject while Redis is unreachable,
 * within `COMMAND_TIMEOUT_MS`; callers must have a fallback.
 */
export const redis = processSingleton('redis', connect)

/** Rejects if Redis is configured but unreachable. */
export async function pingRedis(): Promise<void> {
  await redis()?.ping()
}

/** Closes the connection and waits for its end; the next call of `redis` opens a new one. */
export async function disconnectRedis(): Promise<void> {
  const client = redis.current()
  redis.replace(undefined)
  if (client === undefined) return
  const { status } = client
  const ended = new Promise<void>((resolve) => {
    if (status === 'end' || status === 'reconnecting') resolve()
    client.once('end', resolve)
    setTimeout(resolve, SOCKET_TIMEOUT_MS).unref()
  })
  client.disconnect()
  await ended
}
