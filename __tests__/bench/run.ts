import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { startEmbeddedPostgres } from '@/lib/embedded-postgres/embedded-postgres'
import { startServer } from '../support/server'
import { startConstantNext } from './constant-next'
import { type Figures, measure, measureInTurn, peakMemoryMiB, say, type Scenario, signIn, table } from './load'
import { fill, surfaceOf } from './endpoints'

const ROUNDS = 3
const SECONDS = 2
const SIGN_INS_IN_FLIGHT = 8
const CONSTANT = 'constant, `next start`'

async function startPlainServer(
  databaseUrl: string,
): Promise<{ url: string; pid: number | undefined; stop: () => void }> {
  const child = spawn(process.execPath, ['--require', 'tsx/cjs', join(__dirname, 'plain-server.ts')], {
    env: { ...process.env, NODE_ENV: 'production', DATABASE_URL: databaseUrl },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [line] = await once(child.stdout, 'data')
  return { url: String(line).trim(), pid: child.pid, stop: () => child.kill('SIGTERM') }
}

/** Logs in repeatedly and concurrently until stopped. Returns the number of logins. */
function keepSigningIn(url: string, credentials: { email: string; password: string }): { stop: () => Promise<number> } {
  let count = 0
  const stopping = new AbortController()
  const loop = async () => {
    while (!stopping.signal.aborted) {
      await signIn(url, credentials)
      count += 1
    }
  }
  const loops = Array.from({ length: SIGN_INS_IN_FLIGHT }, loop)
  return {
    stop: async () => {
      stopping.abort()
      await Promise.all(loops)
      return count
    },
  }
}

async function main(): Promise<void> {
  say('Starting a Hearth, a bare Next project and a plain node:http server …')
  const admin = { email: 'bench@example.test', password: 'correct horse' }
  const folder = await mkdtemp(join(tmpdir(), 'hearth-bench-'))
  const postgres = await startEmbeddedPostgres({ dataDir: join(folder, 'postgres'), database: 'hearth' })
  const databaseUrl = postgres.url
  const settings = {
    BCRYPT_COST: '12',
    ADMIN_EMAIL: admin.email,
    ADMIN_PASSWORD: admin.password,
    RATE_LIMIT_REQUESTS: '1000000000',
    RATE_LIMIT_LOGIN_ATTEMPTS: '0',
    RATE_LIMIT_STRICT_REQUESTS: '1000000000',
  }
  const hearth = await startServer(settings, { databaseUrl })
  const constant = await startConstantNext()
  const plain = await startPlainServer(databaseUrl)
  try {
    await fill(databaseUrl)
    const { token, user } = await signIn(hearth.url, admin)
    const scenarios: Scenario[] = [
      { name: CONSTANT, url: constant.url },
      { name: 'plain `node:http`: a constant', url: `${plain.url}/health` },
      { name: 'plain `node:http` + `pg`: a user by id', url: `${plain.url}/users/${user.id}` },
      { name: 'plain `node:http` + `pg`: a list of users', url: `${plain.url}/users` },
      ...(await surfaceOf(hearth.url, token, user.id)),
    ]
    const figures = await measureInTurn(scenarios, { rounds: ROUNDS, seconds: SECONDS })
    const base = figures.get(CONSTANT)?.requestsPerSecond ?? Number.NaN
    const row = (name: string, { requestsPerSecond, p50Ms, p99Ms }: Figures) => [
      name,
      Math.round(requestsPerSecond),
      p50Ms,
      p99Ms,
      `${Math.round((100 * requestsPerSecond) / base)} %`,
    ]
    say(
      `\n${cpus().length} cores, Node ${process.version}, 20 connections, medians of ${ROUNDS} rounds of ${SECONDS} s\n`,
    )
    say(
      table(
        ['request', 'requests/s', 'p50 ms', 'p99 ms', 'of the constant Next route'],
        [...figures].map(([name, figure]) => row(name, figure)),
      ),
    )

    const health = { name: 'health', url: `${hearth.url}/api/health` }
    const alone = await measure(health, SECONDS, 4)
    const signingIn = keepSigningIn(hearth.url, admin)
    await new Promise((resolve) => setTimeout(resolve, 1000))
    const busy = await measure(health, 2 * SECONDS, 4)
    const signIns = await signingIn.stop()
    say(
      `\nHealth, 4 connections: p99 ${alone.p99Ms} ms idle, ${busy.p99Ms} ms while ${SIGN_INS_IN_FLIGHT} sign-ins ` +
        `are in flight throughout (${signIns} in all).`,
    )
    say(
      `Peak memory: Hearth ${(await peakMemoryMiB(hearth.process.pid)).toFixed(0)} MiB, ` +
        `next start ${(await peakMemoryMiB(constant.pid)).toFixed(0)} MiB, ` +
        `plain node:http + pg ${(await peakMemoryMiB(plain.pid)).toFixed(0)} MiB.`,
    )
  } finally {
    plain.stop()
    await constant.stop()
    await hearth.remove()
    await postgres.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`)
  process.exitCode = 1
})
