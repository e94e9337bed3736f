import { AsyncLocalStorage } from 'node:async_hooks'
import { processSingleton } from './process-singleton'

/** The trace that a request belongs to: ids in hexadecimal, and whether the caller records it. */
export type TraceContext = { traceId: string; parentId: string; sampled: boolean }

const TRACEPARENT = /^(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/

/** Parses a `traceparent` header (W3C Trace Context, section 3.2). Returns undefined if it is not valid. */
export function parseTraceparent(header: string | string[] | undefined): TraceContext | undefined {
  const [, version, traceId, parentId, flags, more] = TRACEPARENT.exec(String(header)) ?? []
  if (traceId === undefined || parentId === undefined) return undefined
  // Only later versions may be followed by more fields.
  if (version === '00' && more !== undefined) return undefined
  return { traceId, parentId, sampled: (Number(`0x${flags}`) & 1) === 1 }
}

/** What every log line of a request contains. */
export type RequestLogContext = { requestId: string; traceId?: string | undefined }

/** Stores the context of the request for all log lines that it causes. */
export const requestLogContext = processSingleton(
  'request-log-context',
  () => new AsyncLocalStorage<RequestLogContext>(),
)
