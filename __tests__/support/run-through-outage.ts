import { setTimeout as sleep } from 'node:timers/promises'
import { deviations } from './assert-matches-openapi'
import { type Seen, startLoad, type Stream } from './load-generator'

/** The longest time that a request may take during an outage. */
export const LONGEST_MS = 5_000
/** The longest time after the end of an outage in which requests may fail. */
export const RECOVERY_MS = 5_000
const BEFORE_MS = 2_000
const AFTER_MS = RECOVERY_MS + 1_000

export type Phase = 'before' | 'during' | 'after'

export type OutageReport = {
  seen: Record<Phase, Seen[]>
  longestMs: number
  /** The time when the dependency was available again. */
  endedAt: number
  /** The time from the end of the outage to the end of the last failed request. */
  recoveryMs: number
  /** Unacceptable responses, one per line. */
  faults: string[]
}

const isGood = ({ response }: Seen) => response !== undefined && response.status >= 200 && response.status < 300

/** Returns true for the 503 responses that the contract allows. `/api/ready` has its own format. */
function isAllowed503({ call, response }: Seen): boolean {
  if (response?.status !== 503) return false
  if (call.path === '/api/ready') return true
  const { code } = JSON.parse(response.text).error
  return code === 'SERVICE_UNAVAILABLE' && /^\d+$/.test(response.headers['retry-after'] ?? '')
}

function faultOf(seen: Seen, phase: Phase): string | undefined {
  const { name, call, response, ms } = seen
  const what = `${phase}: ${name} ${call.method ?? 'GET'} ${call.path}`
  if (response === undefined) return `${what} lost its connection after ${ms} ms`
  if (ms > LONGEST_MS) return `${what} took ${ms} ms and got ${response.status}`
  if (!isGood(seen) && (phase === 'before' || !isAllowed503(seen)))
    return `${what} got ${response.status} ${response.text}`
  const headers = new Headers(Object.entries(response.headers).flatMap(([key, value]) => [[key, String(value)]]))
  const [deviation] = deviations({ method: call.method ?? 'GET', url: call.path }, { ...response, headers })
  return deviation === undefined ? undefined : `${what}: ${deviation}`
}

/** Runs an outage of a dependency under load. Returns what the clients received. `end` resolves when it is available. */
export async function runThroughOutage(run: {
  url: string
  streams: readonly Stream[]
  begin: () => unknown
  outageMs: number
  end: () => Promise<unknown>
}): Promise<OutageReport> {
  const load = startLoad(run.url, run.streams)
  await sleep(BEFORE_MS)
  const begunAt = performance.now()
  await run.begin()
  await sleep(run.outageMs)
  await run.end()
  const endedAt = performance.now()
  await sleep(AFTER_MS)
  await load.stop()

  const phaseOf = ({ startedAt, ms }: Seen): Phase =>
    startedAt >= endedAt ? 'after' : startedAt + ms < begunAt ? 'before' : 'during'
  const ofPhase = (phase: Phase) => load.seen.filter((one) => phaseOf(one) === phase)
  const seen = { before: ofPhase('before'), during: ofPhase('during'), after: ofPhase('after') }
  const failedAt = seen.after.filter((one) => !isGood(one)).map(({ startedAt, ms }) => startedAt + ms - endedAt)
  return {
    seen,
    longestMs: Math.max(...load.seen.map(({ ms }) => ms)),
    endedAt,
    recoveryMs: Math.max(0, ...failedAt),
    faults: load.seen.flatMap((one) => faultOf(one, phaseOf(one)) ?? []),
  }
}
