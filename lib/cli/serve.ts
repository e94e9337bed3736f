import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { closePasswordPool, warmPasswordPool } from '@/lib/platform/crypto/password'
import { config } from '@/lib/config'
import { startWorker } from '@/lib/worker/worker'
import { logger } from '@/lib/logger'
import { disconnect } from '@/lib/platform/db/prisma'
import { disconnectRedis, redis } from '@/lib/platform/redis'
import { markShuttingDown } from '@/lib/platform/shutdown'
import { ensureAdmin } from '@/lib/domains/users/service'
import { dispatchToBuild, dispatchToDevelopmentServer } from '@/lib/server/request-handler'
import { createHttpServer } from '@/lib/server/http-server'
import { createGracefulShutdown } from '@/lib/server/graceful-shutdown'
import type { EmbeddedPostgres } from '@/lib/embedded-postgres/embedded-postgres'
import { migrate } from './migrate'

/** How many connections may wait to be let in; the system may allow less. Who finds no room learns of it by silence. */
const BACKLOG = 4_096
/**
 * How long a server that was told to stop goes on to accept connections: load balancers see that it is not ready, and
 * clients read `Connection: close`, before anything is refused.
 */
const SHUTDOWN_GRACE_MS = 1_000
/** How long what is under way may take after that. */
const DRAIN_TIMEOUT_MS = 10_000

/**
 * By how many percent the heap may grow before its old generation is collected. Left alone V8 lets it grow fourfold; this
 * costs a few percent of the throughput and takes a third off the peak of memory.
 */
const HEAP_GROWTH_PERCENT = 75

type Options = {
  projectDir: string
  development: boolean
  embedded: EmbeddedPostgres | undefined
  say: (line: string) => void
  /** Resolves when the process is told to stop. */
  stopped: Promise<NodeJS.Signals>
}

/** Sees to it that somebody can administer; the account, where one was made that nobody knows of yet. */
async function ensureFirstAdmin(embedded: boolean): Promise<{ email: string; password: string } | undefined> {
  const { admin } = config()
  if (admin !== undefined) {
    await ensureAdmin(admin)
    return undefined
  }
  if (!embedded) return undefined
  const account = { email: 'admin@hearth.local', password: randomBytes(12).toString('base64url') }
  return (await ensureAdmin(account)) ? account : undefined
}

function summary(url: string, admin: { email: string; password: string } | undefined, development: boolean): string {
  const lines = ['', `Hearth is ready at ${url}${development ? ' (development)' : ''}`]
  if (admin !== undefined) {
    lines.push('', `  Admin     ${admin.email}`, `  Password  ${admin.password}   (shown this once)`)
  }
  const email = admin?.email ?? 'you@example.com'
  const password = admin?.password ?? 'correct horse'
  const credentials = JSON.stringify({ email, password })
  lines.push(
    '',
    'Try it:',
    `  curl ${url}/api/health`,
    `  curl ${url}/api/auth/${admin ? 'login' : 'register'} -H 'Content-Type: application/json' -d '${credentials}'`,
    `  curl ${url}/api/auth/me -H "Authorization: Bearer <token of the answer before>"`,
    '',
  )
  return lines.join('\n')
}

/** Migrates, makes the first admin, listens, and comes back when the process was told to stop and has tidied up. */
export async function serve(options: Options): Promise<void> {
  const { projectDir, development, embedded, say, stopped } = options
  const { host, port, databaseUrl, worker } = config()
  setFlagsFromString(`--heap-growing-percent=${HEAP_GROWTH_PERCENT}`)
  // Connects while the rest starts.
  redis()
  await migrate(projectDir, say)
  const admin = await ensureFirstAdmin(embedded !== undefined)
  const dispatch = development ? await dispatchToDevelopmentServer(projectDir) : await dispatchToBuild(projectDir)
  const server = createHttpServer(dispatch)
  const drain = createGracefulShutdown(server)
  server.listen({ port, host, backlog: BACKLOG })
  await once(server, 'listening')
  const jobs = worker === 'inline' && databaseUrl !== undefined ? await startWorker(databaseUrl) : undefined
  warmPasswordPool().catch((error: unknown) => logger().error({ err: error }, 'the password pool did not start'))
  const address = server.address()
  const boundPort = typeof address === 'object' && address !== null ? address.port : port
  say(summary(`http://${host === '0.0.0.0' ? 'localhost' : host}:${boundPort}`, admin, development))

  const signal = await stopped
  logger().info({ signal }, 'stopping')
  markShuttingDown()
  if (!development) await sleep(SHUTDOWN_GRACE_MS)
  await Promise.all([drain(DRAIN_TIMEOUT_MS), jobs?.stop()])
  await closePasswordPool()
  await disconnectRedis()
  await disconnect()
  await embedded?.stop()
  logger().flush()
  // Next's development server keeps watchers alive; nothing of ours is left to wait for.
  process.exit(0)
}
