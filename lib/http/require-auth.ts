import type { NextApiRequest } from 'next'
import { authenticateToken } from '@/lib/auth/service'
import type { Actor } from '@/lib/auth/actor'
import { AppError } from '@/lib/errors'
import type { Role } from '@/lib/users/schema'
import type { AuthContext, Context, Handler, OptionalAuthContext } from './context'

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

/** Hands on who calls; 401 without valid credentials. */
export function requireAuth(next: Handler<AuthContext>): Handler<Context> {
  return async (req, res, context) => {
    const actor = await context.authenticate()
    if (actor === undefined) throw new AppError('UNAUTHORIZED')
    res.setHeader('Cache-Control', 'private, no-cache')
    return next(req, res, { ...context, actor })
  }
}

/** Hands on who calls, if anybody says so; credentials that are not valid are refused, not passed over. */
export function optionalAuth(next: Handler<OptionalAuthContext>): Handler<Context> {
  return async (req, res, context) => {
    const actor = await context.authenticate()
    if (actor !== undefined) res.setHeader('Cache-Control', 'private, no-cache')
    return next(req, res, { ...context, actor })
  }
}

/** 403 for whoever has another role. Stands within `requireAuth`. */
export function requireRole(role: Role, next: Handler<AuthContext>): Handler<AuthContext> {
  return async (req, res, context) => {
    if (context.actor.role !== role) throw new AppError('FORBIDDEN')
    return next(req, res, context)
  }
}
