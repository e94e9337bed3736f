import { randomUUID } from 'node:crypto'
import type { NextApiHandler, NextApiRequest, NextApiResponse } from 'next'
import { config } from '@/lib/config'
import { AppError, isAppError, serviceUnavailable } from '@/lib/errors'
import { logger } from '@/lib/logger'
import { isDatabaseUnavailable, isTransactionConflict } from '@/lib/platform/db/errors'
import { inDryRun } from '@/lib/platform/db/transaction'
import { inTransactionSlot } from '@/lib/platform/db/transaction-slots'
import type { Actor } from '@/lib/platform/identity/actor'
import { honoursDryRun, type Operation, type Route } from '@/lib/platform/operation'
import { parseTraceparent, requestLogContext, type RequestLogContext } from '@/lib/trace-context'
import { clientAddress } from './client-address'
import { waitUntilSent } from './compression'
import type { Context, Handler } from './context'
import { applyCors, isPreflight } from './cors'
import { checkUndeclaredQuery, limitJsonBody } from './parse'
import { prefersDryRun } from './prefer'
import { limitRequest } from './rate-limit'
import { assertFewParameters, countInProgress, disconnectWhenStalled, drainUnreadBody } from './request-bounds'
import { identifyCaller } from './require-auth'
import { allowFields } from './select-fields'
import { sendError } from './send-error'

const USER_AGENT_MAX = 512
const REQUEST_ID = /^[A-Za-z0-9._-]{1,64}$/

/** Returns the client's request id if it is safe in a log line and a header, else a new one. */
function requestIdOf(req: NextApiRequest): string {
  const given = req.headers['x-request-id']
  return typeof given === 'string' && REQUEST_ID.test(given) ? given : randomUUID()
}

/** Returns the path without the query, which may hold secrets that must not be logged. */
function pathOf(req: NextApiRequest): string {
  const url = req.url ?? '/'
  const end = url.indexOf('?')
  return end < 0 ? url : url.slice(0, end)
}

function setSecurityHeaders(res: NextApiResponse): void {
  res.setHeader('X-Content-Type-Options', 'nosniff')
  res.setHeader('X-Frame-Options', 'DENY')
  res.setHeader('Referrer-Policy', 'no-referrer')
  res.setHeader('Content-Security-Policy', "default-src 'none'; frame-ancestors 'none'")
  res.setHeader('Cross-Origin-Resource-Policy', 'cross-origin')
  if (config().production) res.setHeader('Strict-Transport-Security', 'max-age=31536000; includeSubDomains')
}

/** Converts whatever was thrown: database outages become SERVICE_UNAVAILABLE, unexpected errors INTERNAL_ERROR. */
function toAppError(error: unknown): AppError {
  if (isAppError(error)) return error
  if (isDatabaseUnavailable(error)) return serviceUnavailable(error)
  if (isTransactionConflict(error)) return serviceUnavailable(error, 1)
  return new AppError('INTERNAL_ERROR', { cause: error })
}

/** Returns the methods of a route for `Allow` (RFC 9110, section 10.2.1). */
function allowedMethods({ operations }: Route): string {
  const methods: string[] = operations.map(({ method }) => method)
  return [...methods, ...(methods.includes('GET') ? ['HEAD'] : []), 'OPTIONS'].join(', ')
}

/** Returns whether an operation reads or writes bodies that are not JSON, which may be long. */
function isStream({ rawBody, responses }: Operation): boolean {
  return rawBody !== undefined || Object.values(responses).some(({ content }) => content !== undefined)
}

/**
 * Wraps every route: assigns a request id, logs the request, sets common response headers, responds to OPTIONS, maps HEAD
 * to GET (Node leaves the body out), applies the general rate limit, rejects methods that the route does not have, and
 * converts thrown errors into the error envelope. This is the only place that catches errors and sends a response.
 * Without a `route` the handler receives every method.
 */
export function apiHandler(route: Route | undefined, handler: Handler<Context>): NextApiHandler {
  const respond = createResponder(route, handler)
  return (req, res) => {
    const requestId = requestIdOf(req)
    const traceId = parseTraceparent(req.headers['traceparent'])?.traceId
    return requestLogContext().run({ requestId, traceId }, () => respond(req, res, { requestId, traceId }))
  }
}

/** Hashing a password takes the longest. */
const DRY_RUN_TIMEOUT_MS = 30_000

/** Runs a handler, including the response that it sends, in a transaction that is rolled back. */
async function runDry(handle: () => Promise<void> | void): Promise<void> {
  const work = async () => {
    await handle()
    return true
  }
  await inTransactionSlot(() => inDryRun(work, { timeoutMs: DRY_RUN_TIMEOUT_MS }))
}

type Responder = (req: NextApiRequest, res: NextApiResponse, ids: RequestLogContext) => Promise<void>

function createResponder(route: Route | undefined, handler: Handler<Context>): Responder {
  const allow = route && allowedMethods(route)
  const isRateLimited = route === undefined || route.operations.every(({ rateLimited }) => rateLimited !== false)
  return async (req, res, { requestId, traceId }) => {
    const startedAt = performance.now()
    const method = req.method ?? 'GET'
    const operation = route?.operations.find((one) => one.method === (method === 'HEAD' ? 'GET' : method))
    const ip = clientAddress(req)
    let userId: number | undefined
    let authenticated: Promise<Actor | undefined> | undefined
    const log = logger()
    const context: Context = {
      requestId,
      wantsHeadOnly: method === 'HEAD',
      ip,
      userAgent: req.headers['user-agent']?.slice(0, USER_AGENT_MAX),
      operation,
      identify: (actor) => {
        userId = actor.userId
      },
      authenticate: () => (authenticated ??= identifyCaller(req, context)),
    }

    res.once('close', () => {
      const durationMs = Math.round((performance.now() - startedAt) * 100) / 100
      const aborted = res.writableFinished ? undefined : true
      const request = { requestId, traceId, userId, method, path: pathOf(req), status: res.statusCode }
      log.info({ ...request, durationMs, aborted }, 'request')
    })

    res.once('finish', () => drainUnreadBody(req))

    res.setHeader('X-Request-Id', requestId)
    setSecurityHeaders(res)
    applyCors(req, res)

    try {
      if (method === 'OPTIONS' && (allow !== undefined || isPreflight(req))) {
        if (allow !== undefined && !isPreflight(req)) res.setHeader('Allow', allow)
        res.statusCode = 204
        res.end()
        return
      }
      if (method === 'HEAD') req.method = 'GET'
      assertFewParameters(req.url ?? '')
      countInProgress(res, ip)
      disconnectWhenStalled(req, { isStream: operation !== undefined && isStream(operation) })
      limitJsonBody(req, operation?.maxBodyBytes)
      allowFields(req, operation)
      if (isRateLimited) await limitRequest(req, res, context, operation)
      if (route !== undefined && allow !== undefined && operation === undefined) {
        throw new AppError('METHOD_NOT_ALLOWED', { headers: { Allow: allow } })
      }
      if (operation?.access === 'public') checkUndeclaredQuery(req, operation)
      if (operation !== undefined && honoursDryRun(operation) && prefersDryRun(req)) {
        res.setHeader('Preference-Applied', 'dry-run')
        await runDry(() => handler(req, res, context))
      } else {
        await handler(req, res, context)
      }
      await waitUntilSent(res)
    } catch (thrown) {
      const error = toAppError(thrown)
      if (error.status >= 500) {
        const level = error.code === 'INTERNAL_ERROR' ? 'error' : 'warn'
        log[level]({ userId, method, path: pathOf(req), err: error.cause ?? error }, 'request failed')
      }
      sendError(res, error, requestId)
      await waitUntilSent(res)
    }
  }
}
