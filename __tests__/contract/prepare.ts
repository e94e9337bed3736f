import { randomUUID } from 'node:crypto'
import type { Operation } from '@/lib/platform/operation'
import { api, type ApiResponse } from '../support/api'
import { uniqueEmail } from '../support/factories'
import { bodyOf, createResource, ownerFor } from './operations'

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Returns a valid body with unique values where required. */
function freshBody(operation: Operation, replacement: object | undefined): Record<string, unknown> | undefined {
  const body = replacement ?? bodyOf(operation)
  if (!isObject(body)) return undefined
  return {
    ...body,
    ...(operation.method === 'POST' && 'email' in body && { email: uniqueEmail() }),
    ...('sku' in body && { sku: randomUUID() }),
  }
}

type Extra = { query?: string; json?: unknown; headers?: Record<string, string>; body?: string }

/** Creates a resource, and a function that sends a request about it which is valid except for `extra`. */
export async function prepare(operation: Operation) {
  const owner = await ownerFor(operation)
  const { url, replacement } = await createResource(owner, operation)
  const json = freshBody(operation, replacement)
  const call = (extra: Extra = {}, token = owner.token): Promise<ApiResponse<unknown>> =>
    api<unknown>(operation.method, `${url}${extra.query ?? ''}`, {
      token,
      ...(extra.body === undefined ? { json: 'json' in extra ? extra.json : json } : { body: extra.body }),
      ...(extra.headers && { headers: extra.headers }),
    })
  return { owner, url, json, call }
}
