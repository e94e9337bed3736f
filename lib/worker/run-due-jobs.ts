import { EventEmitter } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { runOnce, type WorkerEvents, type WorkerPool } from 'graphile-worker'
import { config } from '@/lib/config'
import { logger } from '@/lib/logger'
import { type Connection, ConnectionPool, connectTo } from '@/lib/platform/db/connection'
import { workerLogger } from '@/lib/platform/queue/logger'
import { advisoryLockKey, RELEASE_JOBS_OF_CRASHED_WORKERS } from './liveness'
import { cleanUp, tasks } from './tasks'

/** The whole run takes at most 20 s, below the time limit of serverless hosts. */
const RUN_MS = 20_000
/** How long jobs are started. */
const START_JOBS_MS = 13_000
/** How long running jobs may take after that, before they are asked to stop, and until they are released. */
const ABORT_JOBS_MS = 1_500
const STOP_JOBS_MS = 3_000
const CONCURRENT_JOBS = 4
const QUERY_TIMEOUT_MS = 3_000

const COUNT_DUE_JOBS = `
  SELECT count(*)::int AS due FROM graphile_worker._private_jobs
  WHERE locked_at IS NULL AND attempts < max_attempts AND run_at <= now()`

type Counts = { done: number; failed: number }

/**
 * Holds the lock that marks a worker as alive, in a transaction: unlike a session's lock it also works over a connection
 * pooler. Returns the function that releases it.
 */
async function holdHeartbeat(client: Connection, workerId: string): Promise<() => Promise<void>> {
  await client.query('BEGIN')
  await client.query(`SELECT pg_advisory_xact_lock(${advisoryLockKey('$1')})`, [workerId])
  return async () => {
    await client.query('COMMIT')
    await client.query('SELECT graphile_worker.force_unlock_workers(ARRAY[$1::text])', [workerId])
  }
}

async function runJobs(pool: ConnectionPool, heartbeat: Connection): Promise<Counts> {
  const counts = { done: 0, failed: 0 }
  const events: WorkerEvents = new EventEmitter()
  events.on('job:success', () => (counts.done += 1))
  events.on('job:error', () => (counts.failed += 1))
  let workers: WorkerPool | undefined
  let release: Promise<() => Promise<void>> | undefined
  events.on('pool:create', ({ workerPool }) => {
    workers = workerPool
    release = holdHeartbeat(heartbeat, workerPool.id)
    // Reported when it is awaited.
    release.catch(() => undefined)
  })
  const run = runOnce({
    pgPool: pool,
    taskList: tasks,
    events,
    logger: workerLogger(),
    noHandleSignals: true,
    preset: { worker: { concurrentJobs: CONCURRENT_JOBS, gracefulShutdownAbortTimeout: ABORT_JOBS_MS } },
  })
  const isDone = await Promise.race([run.then(() => true), sleep(START_JOBS_MS, false, { ref: false })])
  if (!isDone) {
    const stopped = Promise.resolve(workers?.gracefulShutdown('The time of the run is over.')).catch(() => undefined)
    await Promise.race([stopped, sleep(STOP_JOBS_MS, undefined, { ref: false })])
    run.catch((error: unknown) => logger().warn({ err: error }, 'job run ended with an error'))
  }
  await (
    await release
  )?.()
  return counts
}

/**
 * Runs the jobs that are due, then the clean-up, for at most 20 s: for hosts that run no process between requests. May run
 * next to workers and to itself. Returns the numbers of successful jobs, of failed attempts and of jobs that are still due.
 */
export async function runDueJobs(): Promise<Counts & { remaining: number }> {
  const signal = AbortSignal.timeout(RUN_MS - QUERY_TIMEOUT_MS)
  const { databaseUrl = '' } = config()
  const settings = { url: databaseUrl, connectionTimeoutMillis: QUERY_TIMEOUT_MS, query_timeout: QUERY_TIMEOUT_MS }
  const heartbeat = await connectTo(settings)
  const pool = new ConnectionPool({ ...settings, max: CONCURRENT_JOBS })
  try {
    await heartbeat.query(RELEASE_JOBS_OF_CRASHED_WORKERS, [''])
    const counts = await runJobs(pool, heartbeat)
    await cleanUp(signal).catch((error: unknown) => logger().warn({ err: error }, 'clean-up failed'))
    const { rows } = await heartbeat.query<{ due: number }>(COUNT_DUE_JOBS)
    return { ...counts, remaining: rows[0]?.due ?? 0 }
  } finally {
    await Promise.all([heartbeat.end(), Promise.race([pool.end(), sleep(1_000, undefined, { ref: false })])])
  }
}
