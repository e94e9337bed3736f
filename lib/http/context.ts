import type { NextApiRequest, NextApiResponse } from 'next'
import type { Actor, SessionActor } from '@/lib/platform/identity/actor'

/** What is known of every request. */
export type Context = {
  /** From `X-Request-Id`, or made here. */
  requestId: string
  /** A HEAD request, which handlers see as GET: who would go to great lengths for a body need not. */
  wantsHeadOnly: boolean
  /** The address of the client, as far as `TRUST_PROXY` lets headers speak for it. */
  ip: string
  userAgent: string | undefined
  /** Tells the request's log line who called. */
  identify: (actor: Actor) => void
  /** Who calls, found out once a request; undefined without credentials, UNAUTHORIZED when they are not valid. */
  authenticate: () => Promise<Actor | undefined>
}

/** What is known of a request by somebody whose credentials were checked. */
export type AuthContext = Context & { actor: Actor }

/** The same, by somebody who signed in: not by an API key. */
export type SessionContext = Context & { actor: SessionActor }

/** What is known of a request that may come with credentials or without. */
export type OptionalAuthContext = Context & { actor: Actor | undefined }

/** The same, where the credentials are not an API key. */
export type OptionalSessionContext = Context & { actor: SessionActor | undefined }

/** A function that answers a request, given a context; it throws to fail and returns when the answer was sent. */
export type Handler<C extends Context> = (req: NextApiRequest, res: NextApiResponse, context: C) => Promise<void> | void
