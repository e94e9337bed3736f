import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { Piscina } from 'piscina'
import { config } from '@/lib/config'
import { AppError, serviceUnavailable } from '@/lib/errors'
import { networkOf } from '@/lib/platform/network'
import { processSingleton } from '@/lib/process-singleton'

/**
 * Limits the passwords that wait for a thread. At cost 12 a thread hashes about four per second, so the last one waits
 * some ten seconds; clients would time out before a longer queue is processed.
 */
const QUEUE_MAX = 64

/** Passwords of one address that may be in the pool: one address must not fill the queue for all others. */
const SHARE_MAX = 4
/** Passwords of one address that wait for a place in the pool. */
const SHARE_QUEUE_MAX = 64
const RETRY_SECONDS = 10

type Share = { inPool: number; waiting: (() => void)[] }

const shares = processSingleton('password-shares', () => new Map<string, Share>())
/** Returns the share of this process in what all processes of the server have. */
const shareOf = (total: number) => Math.max(1, Math.ceil(total / config().webConcurrency))

type Task = { password: string; cost: number; hash?: string }

/** bcrypt ignores further bytes: a longer password must match nothing, or any with the same beginning would match. */
const BCRYPT_MAX_BYTES = 72

const pool = processSingleton(
  'password-pool',
  () =>
    new Piscina<Task, boolean | string>({
      filename: join(process.cwd(), 'lib', 'platform', 'crypto', 'password-worker.mjs'),
      minThreads: 1,
      maxThreads: shareOf(availableParallelism()),
      maxQueue: shareOf(QUEUE_MAX),
      idleTimeout: 60_000,
      execArgv: [],
    }),
)

async function runInPool(task: Task): Promise<boolean | string> {
  try {
    return await pool().run(task)
  } catch (error) {
    if (error instanceof Error && /queue (limit|is at limit)|Task queue/i.test(error.message))
      throw serviceUnavailable(error, RETRY_SECONDS)
    throw error
  }
}

/** Runs a task for a client, of whose address at most `SHARE_MAX` are in the pool. */
async function run(task: Task, ip: string | undefined): Promise<boolean | string> {
  if (ip === undefined) return runInPool(task)
  const network = networkOf(ip)
  const share = shares().get(network) ?? { inPool: 0, waiting: [] }
  shares().set(network, share)
  if (share.inPool < SHARE_MAX) share.inPool += 1
  else if (share.waiting.length < SHARE_QUEUE_MAX) await new Promise<void>((resolve) => share.waiting.push(resolve))
  else throw new AppError('RATE_LIMITED', { headers: { 'Retry-After': String(RETRY_SECONDS) } })
  try {
    return await runInPool(task)
  } finally {
    const next = share.waiting.shift()
    if (next !== undefined) next()
    else share.inPool -= 1
    if (share.inPool === 0) shares().delete(network)
  }
}

/**
 * Hashes a password with bcrypt at `BCRYPT_COST` in a worker thread. `ip` is the address of the client, if there is one.
 * @throws SERVICE_UNAVAILABLE when the queue is full
 * @throws RATE_LIMITED when too many passwords of the address are waiting
 */
export async function hashPassword(password: string, ip?: string): Promise<string> {
  return String(await run({ password, cost: config().bcryptCost }, ip))
}

let dummy: Promise<string> | undefined

/** Returns a hash at the configured cost of a password that nothing matches. */
async function dummyHash(): Promise<string> {
  dummy ??= hashPassword(`dummy ${performance.now()} ${Math.random()}`).catch((error: unknown) => {
    dummy = undefined
    throw error
  })
  return dummy
}

/**
 * Returns whether a password matches a hash, in a worker thread. Without a hash it verifies a dummy hash, so that the
 * duration does not reveal whether the account exists.
 * @throws SERVICE_UNAVAILABLE when the queue is full
 * @throws RATE_LIMITED when too many passwords of the address are waiting
 */
export async function verifyPassword(password: string, hash: string | undefined, ip: string): Promise<boolean> {
  const matches = await run({ password, cost: config().bcryptCost, hash: hash ?? (await dummyHash()) }, ip)
  return hash !== undefined && matches === true && Buffer.byteLength(password) <= BCRYPT_MAX_BYTES
}

/** Returns whether a hash has another cost than `BCRYPT_COST`, which has changed since. */
export function isOutdatedHash(hash: string): boolean {
  return Number(hash.split('$')[2]) !== config().bcryptCost
}

/** Starts the pool and creates the dummy hash, so that the first login takes no longer than others. */
export async function warmPasswordPool(): Promise<void> {
  await dummyHash()
}

/** Closes the pool after the tasks in progress. */
export async function closePasswordPool(): Promise<void> {
  await pool.current()?.close()
  pool.replace(undefined)
}

/** Returns the numbers of waiting passwords and of threads. */
export function passwordPoolStats(): { waiting: number; threads: number } {
  const current = pool.current()
  return { waiting: current?.queueSize ?? 0, threads: current?.threads.length ?? 0 }
}
