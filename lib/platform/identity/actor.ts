import type { Role } from './schema'
import type { Scope } from './scopes'

/** The account behind the credentials, as it is now. */
type Account = { userId: number; role: Role }

/** Somebody who signed in. */
export type SessionActor = Account & {
  credential: 'session'
  /** The sign-in that the access token belongs to. */
  sessionId: string
}

/** A program with an API key: its owner, role included, narrowed to what the key is for. */
export type ApiKeyActor = Account & {
  credential: 'apiKey'
  apiKeyId: string
  scopes: ReadonlySet<Scope>
}

/** Who makes a request. */
export type Actor = SessionActor | ApiKeyActor

/**
 * Whether the caller's credentials reach as far as `scope`: an API key by its scopes, whoever signed in always. Routes
 * declare theirs in `access`; services ask where an answer embeds what a scope of its own guards.
 */
export function hasScope(actor: Actor, scope: Scope): boolean {
  return actor.credential === 'session' || actor.scopes.has(scope)
}

/** Where a request came from, as it is kept of sign-ins and in the audit. A `Context` is one. */
export type ClientInfo = { ip: string; userAgent: string | undefined; requestId: string }
