import type { IncomingMessage, ServerResponse } from 'node:http'
import Negotiator from 'negotiator'
import { ERRORS, type AppError, type ErrorCode, type ErrorDetails } from '@/lib/errors'
import { sendJsonText } from './respond'
import { addVary } from './vary'

export const PROBLEM_TYPE = 'application/problem+json'

type Envelope = {
  error: {
    code: ErrorCode
    message: string
    details?: ErrorDetails | (Record<string, string[] | string> & { operation: string }) | undefined
    requestId: string
  }
}

/** Returns the response body of an error. */
export function errorEnvelope({ code, message, details, operation }: AppError, requestId: string): Envelope {
  return { error: { code, message, details: operation === undefined ? details : { ...details, operation }, requestId } }
}

/**
 * Converts the error envelope to problem details (RFC 9457). `title` is the same for all errors of a code; `detail` is only
 * set where the message of this one says more.
 */
export function problemDetails({ error }: Envelope, { status, instance }: { status: number; instance?: string }) {
  const { code, message, details, requestId } = error
  const title = ERRORS[code].message
  const detail = message === title ? undefined : message
  return { type: `/api/docs#${code}`, title, status, detail, instance, code, errors: details, requestId }
}

/** Returns whether `Accept` names problem details; `*\/*` does not. */
function acceptsProblems(req: IncomingMessage): boolean {
  return new Negotiator(req).mediaTypes().includes(PROBLEM_TYPE)
}

/** Sends the serialised envelope of an error, as problem details if the client accepts them. */
export function sendErrorText(res: ServerResponse, envelope: string, status: number): void {
  addVary(res, 'Accept')
  if (!acceptsProblems(res.req)) {
    sendJsonText(res, envelope, status)
    return
  }
  const parsed: Envelope = JSON.parse(envelope)
  const [instance = '/'] = (res.req.url ?? '/').split('?')
  sendJsonText(res, JSON.stringify(problemDetails(parsed, { status, instance })), status, PROBLEM_TYPE)
}

/**
 * Sends an error. If headers were already sent, destroys the connection, so that the client does not mistake a truncated
 * response for a complete one.
 */
export function sendError(res: ServerResponse, error: AppError, requestId: string): void {
  if (res.headersSent) {
    res.destroy()
    return
  }
  // Of a response that failed to be sent.
  res.removeHeader('Content-Encoding')
  res.removeHeader('ETag')
  // An error must not be cached as the response of a route that is public.
  if (res.getHeader('Cache-Control') !== 'private, no-cache') res.setHeader('Cache-Control', 'no-store')
  if (error.status === 401) res.setHeader('WWW-Authenticate', 'Bearer')
  for (const [name, value] of Object.entries(error.headers)) res.setHeader(name, value)
  sendErrorText(res, JSON.stringify(errorEnvelope(error, requestId)), error.status)
}
