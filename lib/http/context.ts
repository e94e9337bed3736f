import type { NextApiRequest, NextApiResponse } from 'next'
import type { Actor, SessionActor } from '@/lib/platform/identity/actor'
import type { Operation } from '@/lib/platform/operation'

/** What is known about every request. */
export type Context = {
  /** From `X-Request-Id`, or generated. */
  requestId: string
  /** True for HEAD requests (which reach handlers as GET), so a handler can skip expensive body generation. */
  wantsHeadOnly: boolean
  /** The address of the client; `TRUST_PROXY` decides whether proxy headers are believed. */
  ip: string
  userAgent: string | undefined
  /** The declaration of the requested operation; undefined for unknown paths. */
  operation: Operation | undefined
  /** Adds the caller to the log line of the request. */
  identify: (actor: Actor) => void
  /**
   * Authenticates the caller once per request; undefined without credentials.
   * @throws UNAUTHORIZED when the credentials are not valid
   */
  authenticate: () => Promise<Actor | undefined>
}

/** The context of an authenticated request. */
export type AuthContext = Context & { actor: Actor }

/** The context of a request that was authenticated by an access token, not by an API key. */
export type SessionContext = Context & { actor: SessionActor }

/** The context of a request that may be anonymous. */
export type OptionalAuthContext = Context & { actor: Actor | undefined }

export type OptionalSessionContext = Context & { actor: SessionActor | undefined }

/** Sends a response, or throws. Returns when the response was sent. */
export type Handler<C extends Context> = (req: NextApiRequest, res: NextApiResponse, context: C) => Promise<void> | void
