import type { NextApiRequest, NextApiResponse } from 'next'
import { etagOf } from '@/lib/platform/etag'
import { isAppError, validationError } from '@/lib/errors'
import type { CommitDecision, StoredFile } from '@/lib/domains/files/service'
import { runIdempotent, type StoredResponse, type IdempotentResult } from '@/lib/platform/idempotency/service'
import type { Context, Handler } from './context'
import { readJson } from './parse'
import { sendJsonText } from './respond'
import { errorEnvelope, sendErrorText } from './send-error'

const KEY = /^[\x21-\x7e]{1,255}$/
const DEPTH_MAX = 100

/** The response of an idempotent operation; the default status is 201. */
export type CreatedResponse = { status?: number; headers?: Record<string, string | string[]>; body: unknown }

/** Returns a 201 response with the resource, its `Location` below `collection`, a path such as `/api/posts`, and its `ETag`. */
export function created(collection: string, resource: { id: number | string }): CreatedResponse {
  return {
    headers: { Location: `${collection}/${resource.id}`, ETag: etagOf(JSON.stringify(resource)) },
    body: resource,
  }
}

/** Serialises a JSON value with sorted keys, so that equal values give equal texts. */
function canonicalJson(value: unknown, depth = 0): string {
  if (depth > DEPTH_MAX) throw validationError({ body: [`must not be nested deeper than ${DEPTH_MAX}`] })
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  if (Array.isArray(value)) return `[${value.map((item) => canonicalJson(item, depth + 1)).join()}]`
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${canonicalJson(item, depth + 1)}`).join()}}`
}

/**
 * Returns the namespace of the idempotency key: API key, else user, else client IP. Clients behind one IP only replay
 * each other's response if the request is identical.
 */
async function callerOf(context: Context): Promise<string> {
  const actor = await context.authenticate().catch((error: unknown) => {
    if (isAppError(error) && error.status === 401) return undefined
    throw error
  })
  if (actor === undefined) return `address:${context.ip}`
  return actor.credential === 'apiKey' ? `key:${actor.apiKeyId}` : `user:${actor.userId}`
}

function toStoredResponse({ status = 201, headers = {}, body }: CreatedResponse): StoredResponse {
  return { status, headers, body: JSON.stringify(body) }
}

function send(res: NextApiResponse, { status, headers, body }: StoredResponse): void {
  for (const [name, value] of Object.entries(headers)) res.setHeader(name, value)
  if (status >= 400) sendErrorText(res, body, status)
  else sendJsonText(res, body, status)
}

/** Sends the result of a request with a key, or throws its error. */
function sendOutcome(res: NextApiResponse, outcome: IdempotentResult): void {
  if (outcome.thrown !== undefined) throw outcome.thrown
  if (outcome.isReplayed) res.setHeader('Idempotency-Replayed', 'true')
  send(res, outcome.response)
}

/**
 * Returns the `Idempotency-Key` of a request, if it has one.
 * @throws VALIDATION_ERROR when it is malformed
 */
function idempotencyKeyOf(req: NextApiRequest): string | undefined {
  const key = req.headers['idempotency-key']
  if (key === undefined) return undefined
  if (typeof key === 'string' && KEY.test(key)) return key
  throw validationError({ 'Idempotency-Key': ['must be 1 to 255 visible ASCII characters'] })
}

/**
 * Returns the response to store for an error; undefined for errors that depend on the moment (401, 403, 429) and server
 * errors (5xx). Errors that occur before the body is parsed (413, 415, INVALID_JSON) never get here.
 */
function toStoredErrorResponse(thrown: unknown, requestId: string): StoredResponse | undefined {
  if (!isAppError(thrown) || thrown.status >= 500 || [401, 403, 429].includes(thrown.status)) return undefined
  return { status: thrown.status, headers: thrown.headers, body: JSON.stringify(errorEnvelope(thrown, requestId)) }
}

/** Returns the result of `create`, or of an earlier request of the caller with this key, path and `request` text. */
async function createOnce(
  req: NextApiRequest,
  context: Context,
  { key, request, create }: { key: string; request: string; create: () => Promise<CreatedResponse> },
): Promise<IdempotentResult> {
  const [path] = (req.url ?? '').split('?')
  return runIdempotent(
    { caller: await callerOf(context), route: `${req.method} ${path}`, key, request },
    async () => toStoredResponse(await create()),
    (thrown) => toStoredErrorResponse(thrown, context.requestId),
  )
}

/**
 * Creates a handler from a function that returns its response. With an `Idempotency-Key` the function runs once per
 * caller, path and key, and its response is replayed for 24 hours with `Idempotency-Replayed: true` (see
 * `runIdempotent`). It then runs in a transaction that every `prisma()` joins; the response is sent after the commit.
 * Belongs inside the wrappers that authenticate and rate-limit. For streamed bodies see `sendIdempotentUpload`.
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
    const [, query = ''] = (req.url ?? '').split('?')
    const request = `${query}\n${canonicalJson(await readJson(req))}`
    sendOutcome(res, await createOnce(req, context, { key, request, create: () => create(req, context) }))
  }
}

/** An upload: `store` streams the body and `respond` builds the response. Equal bodies with equal `identity` are repeats. */
type IdempotentUpload = {
  identity: readonly string[]
  store: (decision: CommitDecision<IdempotentResult>) => Promise<IdempotentResult>
  respond: (file: StoredFile) => CreatedResponse
}

/**
 * The upload counterpart of `withIdempotency`. The body is hashed while it streams, so only after the last byte is known
 * whether the bytes become a file or are discarded because the request is a repeat.
 */
export async function sendIdempotentUpload(
  req: NextApiRequest,
  res: NextApiResponse,
  context: Context,
  { identity, store, respond }: IdempotentUpload,
): Promise<void> {
  const key = idempotencyKeyOf(req)
  const outcome = await store({
    hashRejectedBody: key !== undefined,
    complete: async (sha256, commit) => {
      const create = async () => respond((await commit()).file)
      if (key === undefined) return { response: toStoredResponse(await create()), isReplayed: false }
      return createOnce(req, context, { key, request: JSON.stringify([...identity, sha256]), create })
    },
  })
  sendOutcome(res, outcome)
}
