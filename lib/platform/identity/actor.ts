import type { Role } from './schema'
import type { Scope } from './scopes'

type Account = { userId: number; role: Role }

/** A signed-in user. */
export type SessionActor = Account & {
  credential: 'session'
  sessionId: string
}

/** An API key: acts as its owner, role included, narrowed to its scopes. */
export type ApiKeyActor = Account & {
  credential: 'apiKey'
  apiKeyId: string
  scopes: ReadonlySet<Scope>
}

/** The authenticated caller of a request. */
export type Actor = SessionActor | ApiKeyActor

/**
 * Returns whether the caller has a scope; sessions have all of them. Routes declare theirs in `access`; services check
 * this where a response embeds resources that have a scope of their own.
 */
export function hasScope(actor: Actor, scope: Scope): boolean {
  return actor.credential === 'session' || actor.scopes.has(scope)
}

/** Client metadata stored with sessions and audit events. `Context` satisfies it. */
export type ClientInfo = { ip: string; userAgent: string | undefined; requestId: string }
