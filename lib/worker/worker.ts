import { EventEmitter } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseCronItems, run, type Runner, type WorkerEvents } from 'graphile-worker'
import { ConnectionPool } from '@/lib/platform/db/connection'
import { logger } from '@/lib/logger'
import { startHeartbeat } from './liveness'
import { tasks } from './tasks'
import { workerLogger } from '@/lib/platform/queue/logger'

const CONCURRENT_JOBS = 4
/** One per job for its completion, one for LISTEN, one for scheduled jobs. */
const CONNECTIONS_MAX = CONCURRENT_JOBS + 2
/** New jobs are announced by NOTIFY; retries and scheduled jobs are found by polling. */
const POLL_INTERVAL_MS = 1_000
/** How long running jobs may take after a stop was requested, before they are released. */
const STOP_TIMEOUT_MS = 7_000
const QUERY_TIMEOUT_MS = 10_000
const RESTART_PAUSE_MS = 2_000

export type JobWorker = {
  /** Takes no further jobs, waits for running ones, and releases those that do not end in time. */
  stop: () => Promise<void>
}

type Round = { ended: Promise<void>; stop: () => Promise<void> }

const cronItems = () => parseCronItems([{ task: 'clean-up', match: '*/10 * * * *', options: { backfillPeriod: 0 } }])

/** Runs graphile-worker until it is stopped or loses its database connection. */
async function startRound(databaseUrl: string): Promise<Round> {
  const pool = new ConnectionPool({
    url: databaseUrl,
    max: CONNECTIONS_MAX,
    connectionTimeoutMillis: QUERY_TIMEOUT_MS,
    query_timeout: QUERY_TIMEOUT_MS,
  })
  const events: WorkerEvents = new EventEmitter()
  let heartbeat: ReturnType<typeof startHeartbeat> | undefined
  events.on('pool:create', ({ workerPool }) => {
    heartbeat = startHeartbeat(databaseUrl, workerPool.id)
  })
  const close = async (): Promise<void> => {
    await heartbeat?.stop()
    // Connections of unfinished jobs end with the process.
    await Promise.race([pool.end(), sleep(1_000, undefined, { ref: false })])
  }
  let runner: Runner
  try {
    runner = await run({
      pgPool: pool,
      taskList: tasks,
      parsedCronItems: cronItems(),
      events,
      logger: workerLogger(),
      noHandleSignals: true,
      preset: {
        worker: {
          concurrentJobs: CONCURRENT_JOBS,
          pollInterval: POLL_INTERVAL_MS,
          gracefulShutdownAbortTimeout: STOP_TIMEOUT_MS - 2_000,
          // With the default of -1 a failed completion is not handled while the database is unreachable.
          completeJobBatchDelay: 0,
          failJobBatchDelay: 0,
        },
      },
    })
  } catch (error) {
    await close()
    throw error
  }
  let stopped: Promise<void> | undefined
  const stop = async (): Promise<void> => {
    // Rejects if the runner has ended by itself.
    const ended = runner.stop().catch(() => undefined)
    await Promise.race([ended, sleep(STOP_TIMEOUT_MS, undefined, { ref: false })])
    await close()
  }
  const stopOnce = () => (stopped ??= stop())
  return {
    ended: Promise.race([runner.promise, heartbeat?.over ?? runner.promise]).finally(() => void stopOnce()),
    stop: stopOnce,
  }
}

/** Starts a worker that runs the jobs of the queue until it is stopped, and restarts when the database was unreachable. */
export async function startWorker(databaseUrl: string): Promise<JobWorker> {
  const stopping = new AbortController()
  let round = await startRound(databaseUrl)
  const keepRunning = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      await round.ended.catch((error: unknown) =>
        logger().warn({ err: error }, 'job worker stopped unexpectedly, restarting'),
      )
      await sleep(RESTART_PAUSE_MS, undefined, { signal: stopping.signal }).catch(() => undefined)
      if (stopping.signal.aborted) return
      try {
        round = await startRound(databaseUrl)
        if (stopping.signal.aborted) await round.stop()
      } catch (error) {
        logger().warn({ err: error }, 'job worker could not start')
      }
    }
  }
  const running = keepRunning()
  return {
    stop: async () => {
      stopping.abort()
      const stopped = round.stop().then(() => running)
      await Promise.race([stopped, sleep(STOP_TIMEOUT_MS + 1_000, undefined, { ref: false })])
    },
  }
}
