import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { Piscina } from 'piscina'
import { config } from '@/lib/config'
import { serviceUnavailable } from '@/lib/errors'
import { processSingleton } from '@/lib/process-singleton'

/**
 * How many passwords may wait for a thread. At cost 12 a thread does about four a second, so the last in line waits some
 * ten seconds; whoever comes later is told to come again rather than made to wait for longer than clients do.
 */
const QUEUE_MAX = 64

type Task = { password: string; hash: string } | { password: string; cost: number }

/** bcrypt reads no further: what is longer fits nothing, rather than whatever begins alike. */
const BCRYPT_MAX_BYTES = 72

const pool = processSingleton(
  'password-pool',
  () =>
    new Piscina<Task, boolean | string>({
      filename: join(process.cwd(), 'lib', 'platform', 'crypto', 'password-worker.mjs'),
      minThreads: 1,
      maxThreads: Math.max(1, availableParallelism()),
      maxQueue: QUEUE_MAX,
      idleTimeout: 60_000,
      execArgv: [],
    }),
)

async function run(task: Task): Promise<boolean | string> {
  try {
    return await pool().run(task)
  } catch (error) {
    if (error instanceof Error && /queue (limit|is at limit)|Task queue/i.test(error.message))
      throw serviceUnavailable(error, 10)
    throw error
  }
}

/** A bcrypt hash at the cost of `BCRYPT_COST`, made in a worker thread. SERVICE_UNAVAILABLE when too many wait. */
export async function hashPassword(password: string): Promise<string> {
  return String(await run({ password, cost: config().bcryptCost }))
}

let decoy: Promise<string> | undefined

/** A hash that no password is known for, at the present cost. */
async function dummyHash(): Promise<string> {
  decoy ??= hashPassword(`decoy ${performance.now()} ${Math.random()}`).catch((error: unknown) => {
    decoy = undefined
    throw error
  })
  return decoy
}

/**
 * Whether a password fits a hash, in a worker thread. Without a hash the same work is done on a decoy, so that the time
 * does not tell whether there was one. SERVICE_UNAVAILABLE when too many wait.
 */
export async function verifyPassword(password: string, hash: string | undefined): Promise<boolean> {
  const fits = await run({ password, hash: hash ?? (await dummyHash()) })
  return hash !== undefined && fits === true && Buffer.byteLength(password) <= BCRYPT_MAX_BYTES
}

/** Starts the threads and makes the decoy, so that the first sign-in is like the others. */
export async function warmPasswordPool(): Promise<void> {
  await dummyHash()
}

/** Ends the threads, once they have done what is under way. */
export async function closePasswordPool(): Promise<void> {
  await pool.current()?.close()
  pool.replace(undefined)
}

/** How many passwords are waiting for a thread, and how many threads there are. */
export function passwordPoolStats(): { waiting: number; threads: number } {
  const current = pool.current()
  return { waiting: current?.queueSize ?? 0, threads: current?.threads.length ?? 0 }
}
