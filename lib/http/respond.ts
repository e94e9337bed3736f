import type { ServerResponse } from 'node:http'
import { sendBody } from './compression'

/** Sends a value as JSON. Dates become ISO 8601 in UTC with milliseconds. */
export function sendJson(res: ServerResponse, value: unknown, status = 200): void {
  sendJsonText(res, JSON.stringify(value), status)
}

export const JSON_TYPE = 'application/json; charset=utf-8'

/** Sends serialised JSON. */
export function sendJsonText(res: ServerResponse, json: string, status = 200, contentType = JSON_TYPE): void {
  res.statusCode = status
  res.setHeader('Content-Type', contentType)
  sendBody(res, Buffer.from(json))
}

/** Sends 204 without a body. */
export function sendNoContent(res: ServerResponse): void {
  res.statusCode = 204
  res.end()
}
