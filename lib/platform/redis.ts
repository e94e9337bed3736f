import { Redis } from 'ioredis'
import { config } from '@/lib/config'
import { logger } from '@/lib/logger'
import { processSingleton } from '@/lib/process-singleton'

/** How long one command may take, and how long a silent connection is believed in, in milliseconds. */
const COMMAND_TIMEOUT_MS = 250
const SOCKET_TIMEOUT_MS = 500
/** Together how long it takes at most, once Redis can be reached again, until it is. */
const CONNECT_TIMEOUT_MS = 1_000
const RECONNECT_DELAY_MAX_MS = 500

/**
 * Whatever uses Redis here can go on without it, so no command waits for it to come back: while there is no connection
 * commands fail at once, and one that hangs is given up and its connection replaced.
 */
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
    if (reachable === false) logger().info('Redis is back')
    reachable = true
  })
  // Every attempt to reconnect fails with an event of its own; the log needs the first of them.
  client.on('error', (error) => {
    if (reachable !== false) logger().warn({ err: error }, 'Redis cannot be reached')
    reachable = false
  })
  client.on('close', () => {
    if (reachable === true && redis.current() === client) logger().warn('Redis closed the connection')
    reachable = false
  })
  return client
}

/**
 * The one Redis client of the process, connecting from the first call on, or undefined without `REDIS_URL`. Commands
 * reject while Redis is away, within `COMMAND_TIMEOUT_MS` at the latest: callers have another way, and take it.
 */
export const redis = processSingleton('redis', connect)

/** Asks Redis for nothing but an answer; rejects while it is away. */
export async function pingRedis(): Promise<void> {
  await redis()?.ping()
}

/** Closes the connection and waits until it is closed; the next call of `redis` opens a new one. */
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
