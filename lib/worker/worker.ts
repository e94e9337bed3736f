import { EventEmitter } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseCronItems, run, type Runner, type WorkerEvents } from 'graphile-worker'
import pg from 'pg'
import { Connection } from '@/lib/platform/db/connection'
import { logger } from '@/lib/logger'
import { startHeartbeat } from './liveness'
import { tasks } from './tasks'
import { workerLogger } from '@/lib/platform/queue/logger'

const CONCURRENT_JOBS = 4
/** One for each job to be reported on, one that listens, one for what falls due. */
const CONNECTIONS_MAX = CONCURRENT_JOBS + 2
/** New jobs announce themselves; this is how often retries and jobs for later are looked for. */
const POLL_INTERVAL_MS = 1_000
/** How long running jobs may take once the worker was told to stop, before they are given back. */
const STOP_TIMEOUT_MS = 7_000
const QUERY_TIMEOUT_MS = 10_000
const RESTART_PAUSE_MS = 2_000

export type JobWorker = {
  /** Takes no further jobs, waits for those that run, and gives back what does not end in time. */
  stop: () => Promise<void>
}

type Round = { ended: Promise<void>; stop: () => Promise<void> }

const cronItems = () => parseCronItems([{ task: 'sweep', match: '*/10 * * * *', options: { backfillPeriod: 0 } }])

/** One life of the library's worker, which ends when it is told to, or when its connection to the database breaks. */
async function startRound(databaseUrl: string): Promise<Round> {
  const pool = new pg.Pool({
    Client: Connection,
    connectionString: databaseUrl,
    max: CONNECTIONS_MAX,
    connectionTimeoutMillis: QUERY_TIMEOUT_MS,
    query_timeout: QUERY_TIMEOUT_MS,
    keepAlive: true,
  })
  // What breaks is replaced; without listeners the events would end the process.
  pool.on('error', (error) => logger().warn({ err: error }, 'an idle connection of the job queue broke'))
  pool.on('connect', (client) => client.on('error', () => undefined))
  const events: WorkerEvents = new EventEmitter()
  let presence: ReturnType<typeof startHeartbeat> | undefined
  events.on('pool:create', ({ workerPool }) => {
    presence = startHeartbeat(databaseUrl, workerPool.id)
  })
  const close = async (): Promise<void> => {
    await presence?.stop()
    // A connection that an unfinished job holds is left to the end of the process.
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
          // With the default of -1 nothing handles the failure of a report while the database is away.
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
    // Rejects where it has ended by itself.
    const ended = runner.stop().catch(() => undefined)
    await Promise.race([ended, sleep(STOP_TIMEOUT_MS, undefined, { ref: false })])
    await close()
  }
  const stopOnce = () => (stopped ??= stop())
  return {
    ended: Promise.race([runner.promise, presence?.over ?? runner.promise]).finally(() => void stopOnce()),
    stop: stopOnce,
  }
}

/**
 * Runs the jobs of the queue until it is told to stop. Resolves when it has begun. A database that goes away is waited
 * for; several workers share the work.
 */
export async function startWorker(databaseUrl: string): Promise<JobWorker> {
  const stopping = new AbortController()
  let round = await startRound(databaseUrl)
  const keepGoing = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      await round.ended.catch((error: unknown) => logger().warn({ err: error }, 'the job worker broke off'))
      await sleep(RESTART_PAUSE_MS, undefined, { signal: stopping.signal }).catch(() => undefined)
      if (stopping.signal.aborted) return
      try {
        round = await startRound(databaseUrl)
        if (stopping.signal.aborted) await round.stop()
      } catch (error) {
        logger().warn({ err: error }, 'the job worker could not start')
      }
    }
  }
  const going = keepGoing()
  return {
    stop: async () => {
      stopping.abort()
      const stopped = round.stop().then(() => going)
      await Promise.race([stopped, sleep(STOP_TIMEOUT_MS + 1_000, undefined, { ref: false })])
    },
  }
}
