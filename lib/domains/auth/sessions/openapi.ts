import Joi from 'joi'
import { defineRoute, type ApiTag } from '@/lib/platform/operation'
import { object } from '@/lib/validation'
import { refreshTokenBody, session, sessionPath, tokenPair } from './schema'

export const refreshRoute = defineRoute('/api/auth/refresh', 'public', {
  POST: {
    id: 'refresh',
    summary: 'Exchange a refresh token for a new pair',
    description:
      'The old token is invalidated. Reuse within 10 s returns the same refresh token again; later reuse revokes the session. Without a `refreshToken` the cookie is used, which is only accepted from an allowed origin.',
    body: refreshTokenBody,
    refreshCookie: 'both',
    responses: {
      200: { description: 'The new pair; the refresh token is a cookie if it was sent as one.', schema: tokenPair },
    },
    errors: ['UNAUTHORIZED', 'FORBIDDEN', 'TOKEN_EXPIRED', 'TOKEN_REUSED', 'INVALID_TOKEN'],
    postman: [{ body: { refreshToken: '{{refreshToken}}' }, store: { token: 'token', refreshToken: 'refreshToken' } }],
  },
})

export const logoutRoute = defineRoute(
  '/api/auth/logout',
  {},
  {
    POST: {
      id: 'logout',
      summary: 'Log out',
      description: 'Accepts an access token, a refresh token or the cookie. The access token is revoked immediately.',
      body: refreshTokenBody,
      refreshCookie: 'both',
      responses: { 204: { description: 'Logged out.' } },
      errors: ['TOKEN_EXPIRED', 'INVALID_TOKEN'],
      postman: [{ as: 'otherToken' }],
    },
  },
)

export const sessionsRoute = defineRoute(
  '/api/auth/sessions',
  {},
  {
    GET: {
      id: 'listSessions',
      summary: 'List my sessions',
      etag: true,
      responses: {
        200: {
          description: 'The sessions, most recently used first.',
          schema: object({ required: { sessions: Joi.array().items(session) } }),
        },
      },
      postman: [{ store: { sessionId: 'sessions.find(({ current }) => !current).id' } }],
    },
    DELETE: {
      id: 'endOtherSessions',
      summary: 'Revoke all other sessions',
      responses: { 204: { description: 'Revoked.' } },
    },
  },
)

export const sessionRoute = defineRoute(
  '/api/auth/sessions/{id}',
  {},
  {
    DELETE: {
      id: 'endSession',
      summary: 'Revoke a session',
      parameters: [sessionPath],
      responses: { 204: { description: 'Revoked.' } },
    },
  },
)

export const sessionsTag: ApiTag = {
  tag: 'Sessions',
  description: 'Session management.',
  schemas: { Session: session, TokenPair: tokenPair },
  operations: [
    refreshRoute.POST,
    logoutRoute.POST,
    sessionsRoute.GET,
    // The Postman collection revokes the listed session before all others.
    sessionRoute.DELETE,
    sessionsRoute.DELETE,
  ],
}
