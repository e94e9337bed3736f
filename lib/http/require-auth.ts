import type { NextApiRequest } from 'next'
import { hasScope, type Actor } from '@/lib/platform/identity/actor'
import type { Scope } from '@/lib/platform/identity/scopes'
import { authenticateToken } from '@/lib/domains/auth/service'
import { AppError, isAppError } from '@/lib/errors'
import type { Role } from '@/lib/platform/identity/schema'
import type {
  AuthContext,
  Context,
  Handler,
  OptionalAuthContext,
  OptionalSessionContext,
  SessionContext,
} from './context'

/** A handler that API keys may reach: those with the scope, or with `any`. Made by `requireScope`. */
export type ScopedHandler<C extends Context> = { scope: Scope | 'any'; handler: Handler<C> }

/** The token of an `Authorization: Bearer` header (RFC 6750, section 2.1); any other scheme is no credential of ours. */
function bearerToken(req: NextApiRequest): string | undefined {
  const header = req.headers.authorization
  if (header === undefined) return undefined
  const token = /^Bearer +([^\s]+) *$/i.exec(header)?.[1]
  if (token === undefined) throw new AppError('UNAUTHORIZED')
  return token
}

/** Checks the credentials of a request, if it has any. Ask `context.authenticate`, which does so only once. */
export async function identifyCaller(req: NextApiRequest, context: Context): Promise<Actor | undefined> {
  const token = bearerToken(req)
  if (token === undefined) return undefined
  const actor = await authenticateToken(token)
  context.identify(actor)
  return actor
}

function assertScope(actor: Actor, scope: Scope | 'any'): void {
  if (scope === 'any' || hasScope(actor, scope)) return
  throw new AppError('FORBIDDEN', { message: `The API key does not have the scope ${scope}.` })
}

function apiKeyNotAllowed(): AppError {
  return new AppError('FORBIDDEN', { message: 'An API key cannot do this.' })
}

/**
 * Hands on who calls; 401 without valid credentials. API keys are refused (403) unless the handler says what scope they
 * need: `requireAuth(handler)` is for whoever signed in, `requireAuth(requireScope('posts:write', handler))` for keys
 * with that scope too. A forgotten scope therefore fails closed.
 */
export function requireAuth(next: Handler<SessionContext> | ScopedHandler<AuthContext>): Handler<Context> {
  return async (req, res, context) => {
    const actor = await context.authenticate()
    if (actor === undefined) throw new AppError('UNAUTHORIZED')
    res.setHeader('Cache-Control', 'private, no-cache')
    if ('scope' in next) {
      assertScope(actor, next.scope)
      return next.handler(req, res, { ...context, actor })
    }
    if (actor.credential !== 'session') throw apiKeyNotAllowed()
    return next(req, res, { ...context, actor })
  }
}

/**
 * Hands on who calls, if anybody says so; credentials that are not valid are refused, not passed over. API keys are
 * refused as by `requireAuth`, unless the handler says what scope they need.
 */
export function optionalAuth(
  next: Handler<OptionalSessionContext> | ScopedHandler<OptionalAuthContext>,
): Handler<Context> {
  return async (req, res, context) => {
    const actor = await context.authenticate()
    if (actor !== undefined) res.setHeader('Cache-Control', 'private, no-cache')
    if ('scope' in next) {
      if (actor !== undefined) assertScope(actor, next.scope)
      return next.handler(req, res, { ...context, actor })
    }
    if (actor?.credential === 'apiKey') throw apiKeyNotAllowed()
    return next(req, res, { ...context, actor })
  }
}

/**
 * Hands on who signed in, if an access token that still works says so, for a route that takes another proof as well: one
 * that does not work any more is passed over. API keys are refused.
 */
export function authIfValid(next: Handler<OptionalSessionContext>): Handler<Context> {
  return async (req, res, context) => {
    const actor = await context.authenticate().catch((error: unknown) => {
      if (isAppError(error) && error.code === 'UNAUTHORIZED') return undefined
      throw error
    })
    if (actor?.credential === 'apiKey') throw apiKeyNotAllowed()
    if (actor !== undefined) res.setHeader('Cache-Control', 'private, no-cache')
    return next(req, res, { ...context, actor })
  }
}

/**
 * Says what scope an API key needs for this handler: `any` for whatever any caller may do. Stands directly within
 * `requireAuth` or `optionalAuth` and does not compile elsewhere. Whoever signed in needs no scope.
 */
export function requireScope<C extends AuthContext | OptionalAuthContext>(
  scope: Scope | 'any',
  handler: Handler<C>,
): ScopedHandler<C> {
  return { scope, handler }
}

/** 403 for whoever has another role. Stands within `requireAuth`, and within its `requireScope` where there is one. */
export function requireRole(role: Role, next: Handler<AuthContext>): Handler<AuthContext> {
  return async (req, res, context) => {
    if (context.actor.role !== role) throw new AppError('FORBIDDEN')
    return next(req, res, context)
  }
}
