import type { NextApiRequest, NextApiResponse } from 'next'
import { etagOf } from '@/lib/platform/etag'
import { isAppError, validationError } from '@/lib/errors'
import { runIdempotent, type StoredResponse, type IdempotentResult } from '@/lib/platform/idempotency/service'
import type { Context, Handler } from './context'
import { readJson } from './parse'
import { errorEnvelope, sendJsonText } from './respond'

const KEY = /^[\x21-\x7e]{1,255}$/
const DEPTH_MAX = 100

/** What a creation answers: 201 unless it says otherwise. */
export type CreatedResponse = { status?: number; headers?: Record<string, string | string[]>; body: unknown }

/** 201 with the created thing, its `Location` below `collection`, a path such as `/api/posts`, and its `ETag`. */
export function created(collection: string, thing: { id: number | string }): CreatedResponse {
  return { headers: { Location: `${collection}/${thing.id}`, ETag: etagOf(JSON.stringify(thing)) }, body: thing }
}

/** The same text for the same JSON value, in whatever order the keys of its objects came. */
function canonical(value: unknown, depth = 0): string {
  if (depth > DEPTH_MAX) throw validationError({ body: [`must not be nested deeper than ${DEPTH_MAX}`] })
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  if (Array.isArray(value)) return `[${value.map((item) => canonical(item, depth + 1)).join()}]`
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${canonical(item, depth + 1)}`).join()}}`
}

/** Whose key it is. A stranger is told by the address; who shares it gets the answer for the very same request alone. */
export async function callerOf(context: Context): Promise<string> {
  const actor = await context.authenticate().catch((error: unknown) => {
    if (isAppError(error) && error.status === 401) return undefined
    throw error
  })
  if (actor === undefined) return `address:${context.ip}`
  return actor.credential === 'apiKey' ? `key:${actor.apiKeyId}` : `user:${actor.userId}`
}

export function toStoredResponse({ status = 201, headers = {}, body }: CreatedResponse): StoredResponse {
  return { status, headers, body: JSON.stringify(body) }
}

function send(res: NextApiResponse, { status, headers, body }: StoredResponse): void {
  for (const [name, value] of Object.entries(headers)) res.setHeader(name, value)
  sendJsonText(res, body, status)
}

/** Answers with what became of a request with a key, or throws what it failed with. */
export function sendOutcome(res: NextApiResponse, outcome: IdempotentResult): void {
  if (outcome.thrown !== undefined) throw outcome.thrown
  if (outcome.isReplayed) res.setHeader('Idempotency-Replayed', 'true')
  send(res, outcome.response)
}

/** The `Idempotency-Key` of a request, if it has one. VALIDATION_ERROR. */
export function idempotencyKeyOf(req: NextApiRequest): string | undefined {
  const key = req.headers['idempotency-key']
  if (key === undefined) return undefined
  if (typeof key === 'string' && KEY.test(key)) return key
  throw validationError({ 'Idempotency-Key': ['must be 1 to 255 visible ASCII characters'] })
}

/**
 * Refusals of the request are kept; those that are about the caller at that moment (401, 403, 429) and what is our own
 * fault (5xx) are not. What comes before the body is understood (413, 415, INVALID_JSON) never gets here.
 */
export function toStoredErrorResponse(thrown: unknown, requestId: string): StoredResponse | undefined {
  if (!isAppError(thrown) || thrown.status >= 500 || [401, 403, 429].includes(thrown.status)) return undefined
  return { status: thrown.status, headers: thrown.headers, body: JSON.stringify(errorEnvelope(thrown, requestId)) }
}

/**
 * A handler out of a function that creates something and says what to answer. With an `Idempotency-Key` it creates once
 * for that caller, path and key, and the first answer is given again for 24 hours with `Idempotency-Replayed: true` (see
 * `runIdempotent`). It runs in a transaction then, which every `prisma()` below joins; what must wait for the commit goes
 * through `afterCommit`. The answer is sent after the commit. Stands within the wrappers that authenticate and limit.
 * The body is JSON; for streams see `sendUploadedOnce`.
 */
export function withIdempotency<C extends Context>(
  create: (req: NextApiRequest, context: C) => Promise<CreatedResponse>,
): Handler<C> {
  return async (req, res, context) => {
    const key = idempotencyKeyOf(req)
    if (key === undefined) {
      send(res, toStoredResponse(await create(req, context)))
      return
    }
    const body = await readJson(req)
    const [path = '', query = ''] = (req.url ?? '').split('?')
    const outcome = await runIdempotent(
      {
        caller: await callerOf(context),
        route: `${req.method} ${path}`,
        key,
        request: `${query}\n${canonical(body)}`,
      },
      async () => toStoredResponse(await create(req, context)),
      (thrown) => toStoredErrorResponse(thrown, context.requestId),
    )
    sendOutcome(res, outcome)
  }
}
