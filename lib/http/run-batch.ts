import inject from 'light-my-request'
import type { NextApiHandler, NextApiRequest, NextApiResponse } from 'next'
import { AppError, ERRORS, validationError, type ErrorCode, type ErrorDetails } from '@/lib/errors'
import { inTransaction, isInTransaction } from '@/lib/platform/db/transaction'
import { inTransactionSlot } from '@/lib/platform/db/transaction-slots'
import type { Method } from '@/lib/platform/operation'
import type { Context } from './context'
import { errorEnvelope } from './send-error'

/** An operation of a batch. */
type BatchOperation = {
  id: string
  method: Method
  path: string
  headers?: Record<string, string> | undefined
  body?: unknown
}

type Result = { id: string; status: number; headers: Record<string, string>; body: unknown }

/** Finds the handler of a path and its parameters; undefined for unknown paths. */
export type FindHandler = (
  pathname: string,
) => { handler: NextApiHandler; parameters: Record<string, string> } | undefined

/** Streams, bytes of files, documents and what changes credentials. */
const REJECTED =
  /^\/api\/(auth|batch|docs|upload|metrics|openapi\.json|postman\.json|jobs\/run|events\/stream|products\/(import|export)|files\/(?!links$)[^/]*)(\/|$)/

/** Headers of the batch that its operations have too: the credentials and the origin of the request. */
const INHERITED = ['authorization', 'user-agent', 'x-forwarded-for', 'x-forwarded-proto', 'host', 'traceparent']

/** Headers of responses that describe the connection or the batch as a whole. */
const OMITTED =
  /^(connection|date|keep-alive|transfer-encoding|content-length|vary|x-(?!cache)|access-control-|ratelimit|(content|cross-origin|strict|referrer)-.*policy|strict-transport-security|set-cookie|x-request-id)/

const TIMEOUT_MS = 30_000
const REFERENCES_MAX = 100
const RESPONSES_MAX_BYTES = 8 * 1024 * 1024

const REFERENCE_IN_PATH = /\{([A-Za-z0-9_-]{1,64})\.([^{}]{1,256})\}/g
const REFERENCE = /^([A-Za-z0-9_-]{1,64})\.(.{1,256})$/

type Scalar = string | number | boolean | null

/** Thrown for an operation whose references cannot be resolved. */
class UnresolvedReference extends Error {
  constructor(
    readonly code: 'VALIDATION_ERROR' | 'FAILED_DEPENDENCY',
    readonly reference: string,
  ) {
    super(reference)
  }
}

function isScalar(value: unknown): value is Scalar {
  return value === null || ['string', 'number', 'boolean'].includes(typeof value)
}

/** Returns the value that `id.path` refers to in an earlier response. */
function resolve(results: readonly Result[], id: string, path: string): Scalar {
  const reference = `${id}.${path}`
  const result = results.find((one) => one.id === id)
  if (result === undefined) throw new UnresolvedReference('VALIDATION_ERROR', reference)
  if (result.status >= 400) throw new UnresolvedReference('FAILED_DEPENDENCY', reference)
  let value: unknown = result.body
  for (const key of path.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) {
      throw new UnresolvedReference('VALIDATION_ERROR', reference)
    }
    value = Reflect.get(value, key)
  }
  if (!isScalar(value)) throw new UnresolvedReference('VALIDATION_ERROR', reference)
  return value
}

/** Returns the path and the body of an operation with their references replaced. */
function resolveReferences(
  { path, body }: BatchOperation,
  results: readonly Result[],
): { path: string; body: unknown } {
  let count = 0
  const lookUp = (id: string, field: string): Scalar => {
    count += 1
    if (count > REFERENCES_MAX) throw new UnresolvedReference('VALIDATION_ERROR', `${id}.${field}`)
    return resolve(results, id, field)
  }
  const walk = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(walk)
    if (typeof value !== 'object' || value === null) return value
    const entries = Object.entries(value)
    const [first] = entries
    if (entries.length === 1 && first?.[0] === '$ref' && typeof first[1] === 'string') {
      const [, id, field] = REFERENCE.exec(first[1]) ?? []
      if (id === undefined || field === undefined) throw new UnresolvedReference('VALIDATION_ERROR', first[1])
      return lookUp(id, field)
    }
    return Object.fromEntries(entries.map(([key, item]) => [key, walk(item)]))
  }
  const resolvedPath = path.replace(REFERENCE_IN_PATH, (_whole, id: string, field: string) =>
    encodeURIComponent(String(lookUp(id, field))),
  )
  return { path: resolvedPath, body: walk(body) }
}

function errorResult(id: string, requestId: string, error: AppError): Result {
  return { id, status: error.status, headers: {}, body: errorEnvelope(error, requestId) }
}

const isErrorCode = (code: unknown): code is ErrorCode => typeof code === 'string' && Object.hasOwn(ERRORS, code)

/** Rolls the savepoint of a failed operation back. */
class FailedOperation extends Error {
  constructor(readonly result: Result) {
    super('The operation failed.')
  }
}

/** Runs an operation of an atomic batch. */
async function runOrThrow(run: () => Promise<Result>): Promise<Result> {
  const result = await run()
  if (result.status >= 400) throw toBatchError(result)
  return result
}

/** Runs an operation that leaves nothing behind if it fails, also in the transaction of a key or of a dry run. */
async function runAlone(run: () => Promise<Result>): Promise<Result> {
  if (!isInTransaction()) return run()
  try {
    return await inTransaction(async () => {
      const result = await run()
      if (result.status >= 400) throw new FailedOperation(result)
      return result
    })
  } catch (error) {
    if (error instanceof FailedOperation) return error.result
    throw error
  }
}

function isDetails(value: unknown): value is ErrorDetails {
  return typeof value === 'object' && value !== null
}

/** Converts the response of a failed operation to the error of the whole batch. */
function toBatchError({ id, body, headers }: Result): AppError {
  const error: unknown = typeof body === 'object' && body !== null && 'error' in body ? body.error : undefined
  if (typeof error !== 'object' || error === null || !('code' in error) || !isErrorCode(error.code)) {
    return new AppError('INTERNAL_ERROR', { cause: new Error('An operation failed without an error envelope.') })
  }
  const retryAfter = headers['retry-after']
  return new AppError(error.code, {
    ...('message' in error && typeof error.message === 'string' && { message: error.message }),
    ...('details' in error && isDetails(error.details) && { details: error.details }),
    ...(retryAfter !== undefined && { headers: { 'Retry-After': retryAfter } }),
    operation: id,
  })
}

function toQuery(search: string, parameters: Record<string, string>): NextApiRequest['query'] {
  const query: Record<string, string | string[]> = Object.create(null)
  for (const [name, value] of new URLSearchParams(search)) {
    const earlier = query[name]
    if (Array.isArray(earlier)) earlier.push(value)
    else query[name] = earlier === undefined ? value : [earlier, value]
  }
  return Object.assign(query, parameters)
}

/** Handlers use only what a `ServerResponse` has. */
function isApiResponse(res: object): res is NextApiResponse {
  return 'setHeader' in res
}

/** Calls the handler of an operation in this process, as a request of the batch's caller. */
async function dispatch(
  outer: NextApiRequest,
  operation: BatchOperation,
  resolved: { path: string; body: unknown },
  requestId: string,
  findHandler: FindHandler,
): Promise<Result & { bytes: number }> {
  const { id, method } = operation
  const [pathname = '', search = ''] = resolved.path.split('?')
  const found = findHandler(pathname)
  if (found === undefined) return { ...errorResult(id, requestId, new AppError('NOT_FOUND')), bytes: 0 }
  const inherited = INHERITED.flatMap((name) => {
    const value = outer.headers[name]
    return value === undefined ? [] : [[name, value]]
  })
  const hasBody = resolved.body !== undefined
  const response = await inject(
    (req, res) => {
      // There is no connection that could stall.
      Object.assign(req.socket, { setTimeout: () => req.socket })
      const query = toQuery(search, found.parameters)
      const request = Object.assign(req, { query, cookies: {}, body: undefined, env: {}, complete: true })
      if (isApiResponse(res)) void found.handler(request, res)
    },
    {
      method,
      url: resolved.path,
      headers: {
        ...Object.fromEntries(inherited),
        ...operation.headers,
        'x-request-id': requestId,
        ...(hasBody && { 'content-type': 'application/json' }),
      },
      ...(hasBody && { payload: JSON.stringify(resolved.body) }),
      remoteAddress: outer.socket.remoteAddress ?? '127.0.0.1',
    },
  )
  const headers = Object.entries(response.headers).flatMap(([name, value]) =>
    value === undefined || OMITTED.test(name) ? [] : [[name, String(value)]],
  )
  const isJson = String(response.headers['content-type'] ?? '').includes('json')
  const body: unknown = isJson && response.payload !== '' ? JSON.parse(response.payload) : null
  return {
    id,
    status: response.statusCode,
    headers: Object.fromEntries(headers),
    body,
    bytes: response.rawPayload.length,
  }
}

/**
 * Runs the operations of a batch one after the other through the handlers of their routes, in this process. With `atomic`
 * they share a transaction, which the first failure rolls back.
 *
 * @throws VALIDATION_ERROR when an operation is of a kind that a batch rejects
 * @throws the error of the first operation that fails, if the batch is atomic
 */
export async function runBatch(
  req: NextApiRequest,
  { requestId }: Context,
  { operations, atomic }: { operations: readonly BatchOperation[]; atomic: boolean },
  findHandler: FindHandler,
): Promise<Result[]> {
  const rejected = operations.flatMap(({ path }, index) => {
    const [pathname = ''] = path.split('?')
    return REJECTED.test(pathname) ? [[`operations.${index}.path`, ['is not allowed in a batch']]] : []
  })
  if (rejected.length > 0) throw validationError(Object.fromEntries(rejected))

  const runAll = async (): Promise<Result[]> => {
    const results: Result[] = []
    let bytes = 0
    const runOne = async (operation: BatchOperation): Promise<Result> => {
      if (bytes > RESPONSES_MAX_BYTES) {
        const message = 'The responses of the batch are too long.'
        return errorResult(operation.id, requestId, new AppError('PAYLOAD_TOO_LARGE', { message }))
      }
      try {
        const resolved = resolveReferences(operation, results)
        const { bytes: length, ...result } = await dispatch(req, operation, resolved, requestId, findHandler)
        bytes += length
        return result
      } catch (error) {
        if (!(error instanceof UnresolvedReference)) throw error
        const { code, reference } = error
        const options =
          code === 'VALIDATION_ERROR' ? { details: { $ref: [`"${reference}" is not in an earlier response`] } } : {}
        return errorResult(operation.id, requestId, new AppError(code, options))
      }
    }
    const runSafely = atomic ? runOrThrow : runAlone
    for (const operation of operations) results.push(await runSafely(() => runOne(operation)))
    return results
  }
  return atomic ? inTransactionSlot(() => inTransaction(runAll, { timeoutMs: TIMEOUT_MS })) : runAll()
}
