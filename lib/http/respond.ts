import type { ServerResponse } from 'node:http'
import type { AppError } from '@/lib/errors'

/** Answers with a value as JSON. Dates become ISO 8601 in UTC with milliseconds. */
export function sendJson(res: ServerResponse, value: unknown, status = 200): void {
  sendJsonText(res, JSON.stringify(value), status)
}

/** Answers with JSON that was made before. */
export function sendJsonText(res: ServerResponse, json: string, status = 200): void {
  const body = Buffer.from(json)
  res.statusCode = status
  res.setHeader('Content-Type', 'application/json; charset=utf-8')
  res.setHeader('Content-Length', body.length)
  res.end(body)
}

/** 201 with the created thing and its `Location` below `collection`, a path such as `/api/posts`. */
export function sendCreated(res: ServerResponse, collection: string, created: { id: number | string }): void {
  res.setHeader('Location', `${collection}/${created.id}`)
  sendJson(res, created, 201)
}

/** 204 and nothing. */
export function sendNoContent(res: ServerResponse): void {
  res.statusCode = 204
  res.end()
}

/** What a client is told of an error. */
export function errorEnvelope({ code, message, details }: AppError, requestId: string) {
  return { error: { code, message, details, requestId } }
}

/** Answers with the error envelope. When the answer has begun already, all that is left is to cut it off, so that nobody takes it for whole. */
export function sendError(res: ServerResponse, error: AppError, requestId: string): void {
  if (res.headersSent) {
    res.destroy()
    return
  }
  if (error.status === 401) res.setHeader('WWW-Authenticate', 'Bearer')
  for (const [name, value] of Object.entries(error.headers)) res.setHeader(name, value)
  sendJson(res, errorEnvelope(error, requestId), error.status)
}
