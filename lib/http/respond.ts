import type { ServerResponse } from 'node:http'

/** Sends a value as JSON. Dates become ISO 8601 in UTC with milliseconds. */
export function sendJson(res: ServerResponse, value: unknown, status = 200): void {
  sendJsonText(res, JSON.stringify(value), status)
}

const JSON_TYPE = 'application/json; charset=utf-8'

/** Sends serialised JSON. */
export function sendJsonText(res: ServerResponse, json: string, status = 200, contentType = JSON_TYPE): void {
  const body = Buffer.from(json)
  res.statusCode = status
  res.setHeader('Content-Type', contentType)
  res.setHeader('Content-Length', body.length)
  res.end(body)
}

/** Sends 204 without a body. */
export function sendNoContent(res: ServerResponse): void {
  res.statusCode = 204
  res.end()
}

/** Adds the name of a request header that the response depends on to `Vary`. */
export function addVary(res: ServerResponse, name: string): void {
  const names = String(res.getHeader('Vary') ?? '')
    .split(', ')
    .filter((known) => known !== '')
  if (!names.includes(name)) res.setHeader('Vary', [...names, name].join(', '))
}
