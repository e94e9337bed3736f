import type { IncomingMessage, ServerResponse } from 'node:http'
import { config } from '@/lib/config'
import { AppError, serviceUnavailable, validationError } from '@/lib/errors'
import { networkOf } from '@/lib/platform/network'
import { processSingleton } from '@/lib/process-singleton'

/** The most query parameters of a request. */
export const QUERY_PARAMETERS_MAX = 100

/** How long a client may make no progress in a request body, and in everything else, before it is disconnected. */
const BODY_STALL_MS = 30_000
const STALL_MS = 60_000

/** How much of a rejected body is read for clients that send all of it before they read, and for how long. */
const DRAIN_MAX_BYTES = 64 * 1_048_576
const DRAIN_MAX_MS = 10_000

/** @throws VALIDATION_ERROR when the URL has more query parameters than `QUERY_PARAMETERS_MAX` */
export function assertFewParameters(url: string): void {
  let count = 0
  for (let at = url.indexOf('?'); at >= 0; at = url.indexOf('&', at + 1)) count += 1
  if (count > QUERY_PARAMETERS_MAX) {
    throw validationError({ query: [`must not contain more than ${QUERY_PARAMETERS_MAX} parameters`] })
  }
}

/** Returns whether a request has a body (RFC 9112, section 6). */
export function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
}

/**
 * Disconnects a client that neither sends nor reads: a stalled body or an unread response would hold memory and handles
 * for as long as the client likes. Node destroys a socket whose time-out nothing else handles.
 */
export function disconnectWhenStalled(req: IncomingMessage, { isStream }: { isStream: boolean }): void {
  req.socket.setTimeout(isStream || !hasBody(req) ? STALL_MS : BODY_STALL_MS)
  req.once('end', () => req.socket.setTimeout(STALL_MS))
}

/**
 * Reads and discards the unread body after the response: many clients do not read the response until they have finished
 * sending, so an early error would otherwise deadlock them. Disconnects those that go on beyond the bounds.
 */
export function drainUnreadBody(req: IncomingMessage): void {
  req.unpipe()
  if (req.complete) {
    req.resume()
    return
  }
  let left = DRAIN_MAX_BYTES
  const timer = setTimeout(() => req.destroy(), DRAIN_MAX_MS).unref()
  req.once('close', () => clearTimeout(timer))
  req.once('end', () => clearTimeout(timer))
  req.on('data', (chunk: Buffer) => {
    left -= chunk.length
    if (left < 0) req.destroy()
  })
  req.resume()
}

type InProgress = { total: number; byNetwork: Map<string, number> }

const inProgress = processSingleton<InProgress>('requests-in-progress', () => ({ total: 0, byNetwork: new Map() }))

/**
 * Counts a request until its response is closed.
 * @throws SERVICE_UNAVAILABLE when the process has as many in progress as it may
 * @throws RATE_LIMITED when the client's address has
 */
export function countInProgress(res: ServerResponse, ip: string): void {
  const { maxRequestsInProgress, maxRequestsInProgressPerAddress } = config()
  const counters = inProgress()
  const network = networkOf(ip)
  const ofNetwork = counters.byNetwork.get(network) ?? 0
  if (counters.total >= maxRequestsInProgress) throw serviceUnavailable(new Error('Too many requests in progress.'), 1)
  if (ofNetwork >= maxRequestsInProgressPerAddress) {
    throw new AppError('RATE_LIMITED', {
      message: 'Too many requests from this address are in progress.',
      headers: { 'Retry-After': '1' },
    })
  }
  counters.total += 1
  counters.byNetwork.set(network, ofNetwork + 1)
  res.once('close', () => {
    counters.total -= 1
    const left = (counters.byNetwork.get(network) ?? 1) - 1
    if (left > 0) counters.byNetwork.set(network, left)
    else counters.byNetwork.delete(network)
  })
}
