import type { ServerResponse } from 'node:http'
import type { AppError } from '@/lib/errors'

/** Sends a value as JSON. Dates become ISO 8601 in UTC with milliseconds. */
export function sendJson(res: ServerResponse, value: unknown, status = 200): void {
  sendJsonText(res, JSON.stringify(value), status)
}

/** Sends serialised JSON. */
export function sendJsonText(res: ServerResponse, json: string, status = 200): void {
  const body = Buffer.from(json)
  res.statusCode = status
  res.setHeader('Content-Type', 'application/json; charset=utf-8')
  res.setHeader('Content-Length', body.length)
  res.end(body)
}

/** Sends 204 without a body. */
export function sendNoContent(res: ServerResponse): void {
  res.statusCode = 204
  res.end()
}

/** Returns the response body of an error. */
export function errorEnvelope({ code, message, details }: AppError, requestId: string) {
  return { error: { code, message, details, requestId } }
}

/**
 * Sends the error envelope. If headers were already sent, destroys the connection, so that the client does not mistake a
 * truncated response for a complete one.
 */
export function sendError(res: ServerResponse, error: AppError, requestId: string): void {
  if (res.headersSent) {
    res.destroy()
    return
  }
  if (error.status === 401) res.setHeader('WWW-Authenticate', 'Bearer')
  for (const [name, value] of Object.entries(error.headers)) res.setHeader(name, value)
  sendJson(res, errorEnvelope(error, requestId), error.status)
}
