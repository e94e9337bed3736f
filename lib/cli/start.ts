import { randomBytes } from 'node:crypto'
import { setFlagsFromString } from 'node:v8'
import { config, setConfig, type Config } from '@/lib/config'
import { appointAdmin } from '@/lib/domains/auth/accounts/service'
import { type EmbeddedPostgres, startEmbeddedPostgres } from '@/lib/embedded-postgres/embedded-postgres'
import { logger } from '@/lib/logger'
import { closePasswordPool } from '@/lib/platform/crypto/password'
import { disconnect } from '@/lib/platform/db/prisma'
import { mailFolder } from '@/lib/platform/mail/transport'
import { isGroupMember } from '@/lib/platform/processes/process-group'
import { disconnectRedis } from '@/lib/platform/redis'
import { startProcesses } from '@/lib/server/supervisor'
import { embeddedOptions } from './embedded-options'
import { loadConfig } from './load-config'
import { migrate } from './migrate'
import { generatedSecret } from './secrets'
import { runMember, serve, type Service } from './serve'
import { onShutdownSignal } from './shutdown-signal'
import { takeoverNotice } from './takeover-notice'

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

/** Serves with `WEB_CONCURRENCY` processes. `onFailed` is called when they crash again and again. */
async function serveWithProcesses(onFailed: (reason: string) => void): Promise<Service> {
  const { databaseUrl = '', host, jwtSecrets, webConcurrency, worker } = config()
  await Promise.all([disconnect(), closePasswordPool(), disconnectRedis()])
  const processes = startProcesses(webConcurrency, (slot) => ({
    // What this process has generated or found out; the rest is in the environment.
    DATABASE_URL: databaseUrl,
    HOST: host,
    JWT_SECRET: jwtSecrets.join(','),
    WORKER: slot === 0 ? worker : 'off',
  }))
  void processes.failed.then(onFailed)
  process.once('exit', processes.kill)
  const url = await processes.ready
  return { url, stop: processes.stop }
}

async function main(): Promise<void> {
  setFlagsFromString(`--heap-growing-percent=${HEAP_GROWTH_PERCENT}`)
  const given = loadConfig(projectDir, { development, print })
  if (isGroupMember()) return runMember(projectDir, given)
  setConfig(given)
  const embedded = given.databaseUrl === undefined ? startEmbedded(given) : Promise.resolve(undefined)
  const stopDatabase = async () => (await embedded.catch(() => undefined))?.stop()
  let service: Service | undefined
  const isStopping = onShutdownSignal(async (signal) => {
    if (service !== undefined) logger().info({ signal }, 'stopping')
    await service?.stop()
    await stopDatabase()
    logger().flush()
  }, stopDatabase)
  const fail = async (reason: string): Promise<void> => {
    logger().fatal(reason)
    logger().flush()
    await stopDatabase()
    process.exit(1)
  }
  try {
    const postgres = await embedded
    void postgres?.ended.then(fail)
    await migrate(projectDir, print)
    const admin = await ensureFirstAdmin(postgres !== undefined)
    service =
      given.webConcurrency === 1 || development
        ? await serve(projectDir, { development })
        : await serveWithProcesses((reason) => void fail(reason))
    print(summary(service.url, admin))
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
