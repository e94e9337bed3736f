import { once } from 'node:events'
import type { Server } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { config, setConfig, type Config } from '@/lib/config'
import { offerProcessMetrics } from '@/lib/domains/system/service'
import { logger } from '@/lib/logger'
import { closePasswordPool, warmPasswordPool } from '@/lib/platform/crypto/password'
import { disconnect } from '@/lib/platform/db/prisma'
import { callPrimary, onCall } from '@/lib/platform/processes/process-group'
import { disconnectRedis, redis } from '@/lib/platform/redis'
import { markShuttingDown } from '@/lib/platform/shutdown'
import { createDevelopmentServer } from '@/lib/server/development-server'
import { createGracefulShutdown } from '@/lib/server/graceful-shutdown'
import { createHttpServer } from '@/lib/server/http-server'
import { loadRouter } from '@/lib/server/router'
import { startWorker } from '@/lib/worker/worker'

/** `listen` backlog; the OS may cap it. Excess connections are dropped without notice. */
const BACKLOG = 4_096
/**
 * How long a stopping server accepts connections: load balancers see that it is not ready, and clients receive
 * `Connection: close`, before the first connection is refused.
 */
const SHUTDOWN_GRACE_MS = 1_000
/** How long requests in progress may take after that. */
const DRAIN_TIMEOUT_MS = 10_000

/** A server that listens. `stop` completes the requests in progress and closes everything but the embedded database. */
export type Service = { url: string; stop: () => Promise<void> }

/** Listens, and returns the URL. */
async function listen(server: Server): Promise<string> {
  const { host, port } = config()
  server.listen({ port, host, backlog: BACKLOG })
  await once(server, 'listening')
  const address = server.address()
  const boundPort = typeof address === 'object' && address !== null ? address.port : port
  return `http://${host === '0.0.0.0' ? 'localhost' : host}:${boundPort}`
}

/** Serves a database that is migrated. */
export async function serve(projectDir: string, { development }: { development: boolean }): Promise<Service> {
  // Connects while the rest starts.
  redis()
  const server = development
    ? await createDevelopmentServer(projectDir)
    : createHttpServer(await loadRouter(projectDir))
  const drain = createGracefulShutdown(server)
  const url = await listen(server)
  const { databaseDirectUrl, worker } = config()
  const jobs = worker === 'inline' && databaseDirectUrl !== undefined ? await startWorker(databaseDirectUrl) : undefined
  warmPasswordPool().catch((error: unknown) => logger().error({ err: error }, 'password pool failed to start'))
  return {
    url,
    stop: async () => {
      markShuttingDown()
      if (!development) await sleep(SHUTDOWN_GRACE_MS)
      await Promise.all([drain(development ? 0 : DRAIN_TIMEOUT_MS), jobs?.stop()])
      await closePasswordPool()
      await disconnectRedis()
      await disconnect()
    },
  }
}

/**
 * Serves as one of `WEB_CONCURRENCY` processes. The bounds of the process are its share of the configured ones; the
 * primary process has migrated the database, stops this one, and is the only one that signals are meant for.
 */
export async function runMember(projectDir: string, given: Config): Promise<void> {
  const shareOf = (bound: number) => Math.ceil(bound / given.webConcurrency)
  setConfig({
    ...given,
    maxConnections: shareOf(given.maxConnections),
    maxRequestsInProgress: shareOf(given.maxRequestsInProgress),
    maxRequestsInProgressPerAddress: shareOf(given.maxRequestsInProgressPerAddress),
  })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined)
  offerProcessMetrics()
  const serving = serve(projectDir, { development: false })
  onCall('stop', async () => {
    const service = await serving
    await service.stop()
    logger().flush()
    process.exit(0)
  })
  await callPrimary('listening', [(await serving).url])
}
