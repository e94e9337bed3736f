import type { NextApiRequest } from 'next'
import { authenticateToken } from '@/lib/domains/auth/authenticate'
import { AppError, isAppError } from '@/lib/errors'
import { hasScope, type Actor } from '@/lib/platform/identity/actor'
import {
  requiredScope,
  type Access,
  type OptionalAccess,
  type ScopedAccess,
  type SessionAccess,
} from '@/lib/platform/operation'
import type {
  AuthContext,
  Context,
  Handler,
  OptionalAuthContext,
  OptionalSessionContext,
  SessionContext,
} from './context'
import { checkUndeclaredQuery } from './parse'

/**
 * Returns the token of an `Authorization: Bearer` header (RFC 6750, section 2.1).
 * @throws UNAUTHORIZED when the header has another scheme or form
 */
function bearerToken(req: NextApiRequest): string | undefined {
  const header = req.headers.authorization
  if (header === undefined) return undefined
  const token = /^Bearer +([^\s]+) *$/i.exec(header)?.[1]
  if (token === undefined) throw new AppError('UNAUTHORIZED')
  return token
}

/**
 * Authenticates a request, if it has credentials. Call `context.authenticate` instead, which does so only once.
 * @throws UNAUTHORIZED when the credentials are not valid
 */
export async function identifyCaller(req: NextApiRequest, context: Context): Promise<Actor | undefined> {
  const token = bearerToken(req)
  if (token === undefined) return undefined
  const actor = await authenticateToken(token, context.ip)
  context.identify(actor)
  return actor
}

function apiKeyNotAllowed(): AppError {
  return new AppError('FORBIDDEN', { message: 'API keys are not allowed for this operation.' })
}

/** @throws FORBIDDEN when an API key lacks the scope, or none would do, or when the caller has another role */
function assertAllowed(actor: Actor, access: Exclude<Access, 'public'>, method: string | undefined): void {
  const scope = requiredScope(access, method)
  if (scope === undefined && actor.credential === 'apiKey') throw apiKeyNotAllowed()
  if (scope !== undefined && scope !== 'any' && !hasScope(actor, scope)) {
    throw new AppError('FORBIDDEN', { message: `The API key does not have the scope ${scope}.` })
  }
  if (access.role !== undefined && actor.role !== access.role) throw new AppError('FORBIDDEN')
}

type ForAnyCredential = [access: ScopedAccess, next: Handler<AuthContext>]
type ForSessions = [access: SessionAccess, next: Handler<SessionContext>]

function admitsApiKeys(args: ForAnyCredential | ForSessions): args is ForAnyCredential {
  return args[0].scope !== undefined
}

/**
 * Passes the authenticated actor to `next`. Without a `scope` API keys are rejected, and `next` receives a `SessionActor`.
 * @throws UNAUTHORIZED without valid credentials
 * @throws FORBIDDEN when the caller lacks the scope or the role
 */
export function requireAuth(access: ScopedAccess, next: Handler<AuthContext>): Handler<Context>
export function requireAuth(access: SessionAccess, next: Handler<SessionContext>): Handler<Context>
export function requireAuth(...args: ForAnyCredential | ForSessions): Handler<Context> {
  return async (req, res, context) => {
    const actor = await context.authenticate()
    if (actor === undefined) throw new AppError('UNAUTHORIZED')
    res.setHeader('Cache-Control', 'private, no-cache')
    assertAllowed(actor, args[0], req.method)
    checkUndeclaredQuery(req, context.operation)
    if (admitsApiKeys(args)) return args[1](req, res, { ...context, actor })
    if (actor.credential !== 'session') throw apiKeyNotAllowed()
    return args[1](req, res, { ...context, actor })
  }
}

/**
 * Passes the actor to `next`, or undefined for an anonymous caller.
 * @throws UNAUTHORIZED when there are credentials that are not valid
 * @throws FORBIDDEN when an API key lacks the scope
 */
export function optionalAuth(access: OptionalAccess, next: Handler<OptionalAuthContext>): Handler<Context> {
  return async (req, res, context) => {
    const actor = await context.authenticate()
    if (actor !== undefined) {
      res.setHeader('Cache-Control', 'private, no-cache')
      assertAllowed(actor, access, req.method)
    }
    checkUndeclaredQuery(req, context.operation)
    return next(req, res, { ...context, actor })
  }
}

/**
 * Like `requireAuth` without a scope, but passes undefined for missing, expired or revoked credentials. For logout, which
 * accepts a refresh token as another proof of identity.
 * @throws FORBIDDEN for an API key
 */
export function authIfValid(access: SessionAccess, next: Handler<OptionalSessionContext>): Handler<Context> {
  return async (req, res, context) => {
    const actor = await context.authenticate().catch((error: unknown) => {
      if (isAppError(error) && error.code === 'UNAUTHORIZED') return undefined
      throw error
    })
    if (actor !== undefined) {
      res.setHeader('Cache-Control', 'private, no-cache')
      assertAllowed(actor, access, req.method)
    }
    return next(req, res, { ...context, actor: actor?.credential === 'session' ? actor : undefined })
  }
}
