import { randomUUID } from 'node:crypto'
import type { NextApiHandler, NextApiRequest, NextApiResponse } from 'next'
import type { Actor } from '@/lib/platform/identity/actor'
import { config } from '@/lib/config'
import { isDatabaseUnavailable } from '@/lib/platform/db/errors'
import { AppError, isAppError, serviceUnavailable } from '@/lib/errors'
import { logger } from '@/lib/logger'
import { clientAddress } from './client-address'
import type { Context, Handler } from './context'
import { applyCors, isPreflight } from './cors'
import { limitRequest } from './rate-limit'
import { identifyCaller } from './require-auth'
import { sendError } from './respond'

const USER_AGENT_MAX = 512
const REQUEST_ID = /^[A-Za-z0-9._-]{1,64}$/

/** Kept from the request where it is harmless in a log line and a header, else made. */
function requestIdOf(req: NextApiRequest): string {
  const given = req.headers['x-request-id']
  return typeof given === 'string' && REQUEST_ID.test(given) ? given : randomUUID()
}

/** The path as it stands in the request, without the query, which may hold what must not be logged. */
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

/** An error as the client is told of it. What is not an AppError is our fault, unless it says the database is down. */
function toAppError(error: unknown): AppError {
  if (isAppError(error)) return error
  if (isDatabaseUnavailable(error)) return serviceUnavailable(error)
  return new AppError('INTERNAL_ERROR', { cause: error })
}

/**
 * The door of every route: gives the request an id and a log line, sets the headers that all answers have, answers
 * preflights, hands HEAD on as GET (Node leaves the body out), and turns whatever is thrown below into the error
 * envelope. The only `catch` that answers. Every route has the general rate limit unless it says that it is not `limited`.
 */
export function apiHandler(handler: Handler<Context>, { limited = true } = {}): NextApiHandler {
  return async (req, res) => {
    const startedAt = performance.now()
    const requestId = requestIdOf(req)
    const method = req.method ?? 'GET'
    const ip = clientAddress(req)
    let userId: number | undefined
    let authenticated: Promise<Actor | undefined> | undefined
    const log = logger()
    const context: Context = {
      requestId,
      wantsHeadOnly: method === 'HEAD',
      ip,
      userAgent: req.headers['user-agent']?.slice(0, USER_AGENT_MAX),
      identify: (actor) => {
        userId = actor.userId
      },
      authenticate: () => (authenticated ??= identifyCaller(req, context)),
    }

    res.once('close', () => {
      const durationMs = Math.round((performance.now() - startedAt) * 100) / 100
      const aborted = res.writableFinished ? undefined : true
      log.info({ requestId, userId, method, path: pathOf(req), status: res.statusCode, durationMs, aborted }, 'request')
    })

    // Many clients read no answer before they have sent everything: they would wait for ever for one to a refused body.
    res.once('finish', () => {
      req.unpipe()
      req.resume()
    })

    res.setHeader('X-Request-Id', requestId)
    setSecurityHeaders(res)
    applyCors(req, res)

    try {
      if (method === 'OPTIONS') {
        if (!isPreflight(req)) res.setHeader('Allow', 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS')
        res.statusCode = 204
        res.end()
        return
      }
      if (method === 'HEAD') req.method = 'GET'
      if (limited) await limitRequest(req, res, context)
      await handler(req, res, context)
    } catch (thrown) {
      const error = toAppError(thrown)
      if (error.status >= 500) {
        const level = error.code === 'INTERNAL_ERROR' ? 'error' : 'warn'
        log[level]({ requestId, userId, method, path: pathOf(req), err: error.cause ?? error }, 'request failed')
      }
      sendError(res, error, requestId)
    }
  }
}
