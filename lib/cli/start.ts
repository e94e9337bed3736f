import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import type { Server } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { config, setConfig, type Config } from '@/lib/config'
import { markShuttingDown } from '@/lib/platform/shutdown'
import { appointAdmin } from '@/lib/domains/auth/accounts/service'
import { type EmbeddedPostgres, startEmbeddedPostgres } from '@/lib/embedded-postgres/embedded-postgres'
import { logger } from '@/lib/logger'
import { closePasswordPool, warmPasswordPool } from '@/lib/platform/crypto/password'
import { disconnect } from '@/lib/platform/db/prisma'
import { mailFolder } from '@/lib/platform/mail/transport'
import { disconnectRedis, redis } from '@/lib/platform/redis'
import { createDevelopmentServer } from '@/lib/server/development-server'
import { createGracefulShutdown } from '@/lib/server/graceful-shutdown'
import { createHttpServer } from '@/lib/server/http-server'
import { loadRouter } from '@/lib/server/router'
import { startWorker } from '@/lib/worker/worker'
import { embeddedOptions } from './embedded-options'
import { loadConfig } from './load-config'
import { migrate } from './migrate'
import { generatedSecret } from './secrets'
import { onShutdownSignal } from './shutdown-signal'
import { takeoverNotice } from './takeover-notice'

/** `listen` backlog; the OS may cap it. Excess connections are dropped without notice. */
const BACKLOG = 4_096
/**
 * How long a stopping server accepts connections: load balancers see that it is not ready, and clients receive
 * `Connection: close`, before the first connection is refused.
 */
const SHUTDOWN_GRACE_MS = 1_000
/** How long requests in progress may take after that. */
const DRAIN_TIMEOUT_MS = 10_000
/**
 * Heap growth, in percent, after which V8 collects the old generation. Its default lets the heap grow fourfold; this
 * costs a few percent of the throughput and reduces peak memory by a third.
 */
const HEAP_GROWTH_PERCENT = 75

type Account = { email: string; password: string }

const projectDir = process.cwd()
const development = process.argv.includes('--dev')
const print = (line: string) => process.stdout.write(`${line}\n`)

/** Starts the embedded PostgreSQL and generates missing secrets. */
async function startEmbedded(given: Config): Promise<EmbeddedPostgres> {
  const jwtSecrets = given.jwtSecrets.length > 0 ? given.jwtSecrets : [await generatedSecret(given.dataDir, 'jwt')]
  print('Starting the embedded PostgreSQL …')
  const postgres = await startEmbeddedPostgres({ ...embeddedOptions(given), print })
  setConfig({ ...given, databaseUrl: postgres.url, databaseDirectUrl: postgres.url, jwtSecrets })
  return postgres
}

/** Ensures that an admin exists. Returns the account if it was generated, so that its password can be shown once. */
async function ensureFirstAdmin(isEmbedded: boolean): Promise<Account | undefined> {
  const { admin } = config()
  if (admin !== undefined) {
    const appointment = await appointAdmin({ ...admin, name: 'Admin' }, { onlyFirst: true })
    if (appointment.outcome === 'takenOver') print(takeoverNotice(admin.email, appointment))
    return undefined
  }
  if (!isEmbedded) return undefined
  const account = { email: 'admin@hearth.local', password: randomBytes(12).toString('base64url') }
  const { outcome } = await appointAdmin({ ...account, name: 'Admin' }, { onlyFirst: true })
  return outcome === 'unchanged' ? undefined : account
}

function summary(url: string, admin: Account | undefined): string {
  const lines = ['', `Hearth is ready at ${url}${development ? ' (development)' : ''}`, '']
  lines.push(`  Reference  ${url}/api/docs`)
  if (config().smtpUrl === undefined) lines.push(`  E-mails    ${mailFolder()} (SMTP_URL is not set)`)
  if (admin !== undefined) {
    lines.push(`  Admin      ${admin.email}`, `  Password   ${admin.password}   (shown this once)`)
  }
  const credentials = JSON.stringify(admin ?? { email: 'you@example.com', password: 'correct horse' })
  lines.push(
    '',
    'Try it:',
    `  curl ${url}/api/health`,
    `  curl ${url}/api/auth/${admin ? 'login' : 'register'} -H 'Content-Type: application/json' -d '${credentials}'`,
    `  curl ${url}/api/auth/me -H "Authorization: Bearer <token of the previous response>"`,
    '',
  )
  return lines.join('\n')
}

/** Listens, and returns the URL. */
async function listen(server: Server): Promise<string> {
  const { host, port } = config()
  server.listen({ port, host, backlog: BACKLOG })
  await once(server, 'listening')
  const address = server.address()
  const boundPort = typeof address === 'object' && address !== null ? address.port : port
  return `http://${host === '0.0.0.0' ? 'localhost' : host}:${boundPort}`
}

/** Migrates, ensures the first admin and serves. Returns the function that stops everything but the database. */
async function serve(isEmbedded: boolean): Promise<() => Promise<void>> {
  // Connects while the rest starts.
  redis()
  await migrate(projectDir, print)
  const admin = await ensureFirstAdmin(isEmbedded)
  const server = development
    ? await createDevelopmentServer(projectDir)
    : createHttpServer(await loadRouter(projectDir))
  const drain = createGracefulShutdown(server)
  const url = await listen(server)
  const { databaseDirectUrl, worker } = config()
  const jobs = worker === 'inline' && databaseDirectUrl !== undefined ? await startWorker(databaseDirectUrl) : undefined
  warmPasswordPool().catch((error: unknown) => logger().error({ err: error }, 'password pool failed to start'))
  print(summary(url, admin))
  return async () => {
    markShuttingDown()
    if (!development) await sleep(SHUTDOWN_GRACE_MS)
    await Promise.all([drain(development ? 0 : DRAIN_TIMEOUT_MS), jobs?.stop()])
    await closePasswordPool()
    await disconnectRedis()
    await disconnect()
  }
}

async function main(): Promise<void> {
  setFlagsFromString(`--heap-growing-percent=${HEAP_GROWTH_PERCENT}`)
  const given = loadConfig(projectDir, { development, print })
  setConfig(given)
  const embedded = given.databaseUrl === undefined ? startEmbedded(given) : Promise.resolve(undefined)
  const stopDatabase = async () => (await embedded.catch(() => undefined))?.stop()
  let stopServing: (() => Promise<void>) | undefined
  const isStopping = onShutdownSignal(async (signal) => {
    if (stopServing !== undefined) logger().info({ signal }, 'stopping')
    await stopServing?.()
    await stopDatabase()
    logger().flush()
  }, stopDatabase)
  try {
    const postgres = await embedded
    void postgres?.ended.then((reason) => {
      logger().fatal(reason)
      logger().flush()
      process.exit(1)
    })
    stopServing = await serve(postgres !== undefined)
  } catch (error) {
    // A start that a signal has interrupted fails in many ways, none of which is worth reporting.
    if (isStopping()) return
    await stopDatabase()
    throw error
  }
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exit(1)
})
