import cluster, { type Worker } from 'node:cluster'
import { setTimeout as sleep } from 'node:timers/promises'
import { AggregatorRegistry } from 'prom-client'
import { logger } from '@/lib/logger'
import { callHandlers, createLink, onCall, type Link } from '@/lib/platform/processes/process-group'
import { handleLimiterCalls } from '@/lib/platform/rate-limiter'

/** How long the primary waits for a member: one whose event loop is blocked must not block the others' writes. */
const CALL_TIMEOUT_MS = 1_000
/** A process that ends this often within this time is not started again. */
const CRASHES_MAX = 5
const CRASH_WINDOW_MS = 60_000
/** Longer than a member needs to drain. */
const STOP_TIMEOUT_MS = 25_000

/** A process, and the place that its replacement takes. */
type Member = { slot: number; worker: Worker; link: Link }

export type Supervisor = {
  /**
   * Resolves with the URL once all processes listen.
   * @throws Error when one ends before
   */
  ready: Promise<string>
  /** Resolves with the reason when a process has crashed too often. */
  failed: Promise<string>
  /** Drains all processes and resolves when they have ended. */
  stop: () => Promise<void>
  /** Ends all processes without draining them. */
  kill: () => void
}

function deferred<T>(): { promise: Promise<T>; resolve: (value: T) => void; reject: (error: Error) => void } {
  let settle: { resolve: (value: T) => void; reject: (error: Error) => void } | undefined
  const promise = new Promise<T>((resolve, reject) => {
    settle = { resolve, reject }
  })
  return { promise, resolve: (value) => settle?.resolve(value), reject: (error) => settle?.reject(error) }
}

/** Settles like `work`, or after `CALL_TIMEOUT_MS` with undefined. */
async function inTime(work: Promise<unknown>): Promise<unknown> {
  return Promise.race([work, sleep(CALL_TIMEOUT_MS, undefined, { ref: false })])
}

/**
 * Starts processes that serve one port and replaces those that end. The primary process accepts the connections and
 * distributes them in turn, which shares them more evenly than a common listening socket does.
 *
 * - `environmentOf`: settings for the process in a slot, in addition to the primary's
 */
export function startProcesses(count: number, environmentOf: (slot: number) => Record<string, string>): Supervisor {
  const members = new Set<Member>()
  const crashes: number[][] = Array.from({ length: count }, () => [])
  const listening = new Set<number>()
  const ready = deferred<string>()
  const failed = deferred<string>()
  let isStopping = false
  cluster.schedulingPolicy = cluster.SCHED_RR
  // Structured clones, unlike JSON, represent NaN.
  cluster.setupPrimary({ serialization: 'advanced' })

  const callAll = async (method: string, parameters: readonly string[], except?: Member): Promise<unknown[]> =>
    Promise.all(
      [...members]
        .filter((member) => member !== except)
        .map((member) => inTime(member.link.call(method, parameters).catch(() => undefined))),
    )

  const onCrash = (slot: number, how: { code: number | null; signal: string | null }): void => {
    // It may have ended between a commit and the invalidation of what the others cache.
    void callAll('evict-all', [])
    void callAll('clear-cache', [])
    const now = performance.now()
    const recent = [...(crashes[slot] ?? []), now].filter((at) => now - at < CRASH_WINDOW_MS)
    crashes[slot] = recent
    const reason = `A process ended unexpectedly (${how.signal ?? `status ${how.code}`}).`
    if (listening.size < count) {
      ready.reject(new Error(reason))
      return
    }
    if (recent.length >= CRASHES_MAX) {
      failed.resolve(`A process ended ${recent.length} times within ${CRASH_WINDOW_MS / 1_000} seconds.`)
      return
    }
    logger().error({ slot, ...how }, 'process ended unexpectedly, replacing it')
    start(slot)
  }

  const start = (slot: number): void => {
    const worker = cluster.fork(environmentOf(slot))
    const handlers = new Map(callHandlers())
    const link = createLink((batch) => {
      // A process that has ended is removed by its exit event.
      if (worker.isConnected()) worker.send(batch, () => undefined)
    }, handlers)
    const member: Member = { slot, worker, link }
    handlers.set('publish', ([topic = '', ...values]) => callAll(topic, values, member))
    handlers.set('listening', ([url = '']) => {
      listening.add(slot)
      if (listening.size === count) ready.resolve(url)
    })
    members.add(member)
    worker.on('message', (message) => link.receive(message))
    worker.on('error', (error) => logger().error({ err: error }, 'process error'))
    worker.once('exit', (code, signal) => {
      members.delete(member)
      link.close()
      if (!isStopping) onCrash(slot, { code, signal })
    })
  }

  handleLimiterCalls()
  onCall('metrics', async () => {
    const collected = await callAll('collect-metrics', [])
    return AggregatorRegistry.aggregate(collected.filter((one): one is object => typeof one === 'object')).metrics()
  })
  for (let slot = 0; slot < count; slot += 1) start(slot)

  const kill = (): void => {
    isStopping = true
    for (const { worker } of members) worker.process.kill('SIGKILL')
  }
  return {
    ready: ready.promise,
    failed: failed.promise,
    kill,
    stop: async () => {
      isStopping = true
      const ended = [...members].map(({ worker }) => new Promise((resolve) => worker.once('exit', resolve)))
      for (const { link } of members) link.call('stop', []).catch(() => undefined)
      const timer = setTimeout(() => {
        logger().error('processes did not stop in time')
        kill()
      }, STOP_TIMEOUT_MS)
      await Promise.all(ended)
      clearTimeout(timer)
    },
  }
}
