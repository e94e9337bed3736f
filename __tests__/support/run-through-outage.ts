import { setTimeout as sleep } from 'node:timers/promises'
import { deviations } from './assert-matches-openapi'
import { type Seen, startLoad, type Stream } from './load-generator'

/** No request may take longer, whatever is away. */
export const LONGEST_MS = 5_000
/** How long after it answers again there may be failures. */
export const RECOVERY_MS = 5_000
const BEFORE_MS = 2_000
const AFTER_MS = RECOVERY_MS + 1_000

export type Phase = 'before' | 'during' | 'after'

export type OutageReport = {
  seen: Record<Phase, Seen[]>
  longestMs: number
  /** When the dependency answered again. */
  endedAt: number
  /** From when the dependency answers again to the end of the last request that failed. */
  recoveryMs: number
  /** Answers that nobody should get, in lines. */
  faults: string[]
}

const isGood = ({ response }: Seen) => response !== undefined && response.status >= 200 && response.status < 300

/** Whether a response is a refusal as the contract has it; `/api/ready` says in its own words that it is not. */
function isRefusal({ call, response }: Seen): boolean {
  if (response?.status !== 503) return false
  if (call.path === '/api/ready') return true
  const { code } = JSON.parse(response.text).error
  return code === 'SERVICE_UNAVAILABLE' && /^\d+$/.test(response.headers['retry-after'] ?? '')
}

function faultOf(seen: Seen, phase: Phase): string | undefined {
  const { name, call, response, ms } = seen
  const what = `${phase}: ${name} ${call.method ?? 'GET'} ${call.path}`
  if (response === undefined) return `${what} was cut after ${ms} ms`
  if (ms > LONGEST_MS) return `${what} took ${ms} ms and was answered ${response.status}`
  if (!isGood(seen) && (phase === 'before' || !isRefusal(seen)))
    return `${what} got ${response.status} ${response.text}`
  const headers = new Headers(Object.entries(response.headers).flatMap(([key, value]) => [[key, String(value)]]))
  const [deviation] = deviations({ method: call.method ?? 'GET', url: call.path }, { ...response, headers })
  return deviation === undefined ? undefined : `${what}: ${deviation}`
}

/** Takes a dependency away for a while, under load, and says what the clients saw. `end` resolves when it responses. */
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
