import Joi from 'joi'
import type { ApiTag } from '@/lib/openapi/operation'
import { object } from '@/lib/validation'
import { refreshTokenBody, session, sessionPath, tokenPair } from './schema'

/** What keeps somebody signed in, and what ends that. */
export const sessionsDomain: ApiTag = {
  tag: 'Sessions',
  description: 'What keeps somebody signed in, and what ends that.',
  schemas: { Session: session, TokenPair: tokenPair },
  operations: [
    {
      id: 'refresh',
      method: 'post',
      path: '/api/auth/refresh',
      summary: 'Exchange a refresh token for a new pair',
      description:
        'The old token is spent. Again within 10 s it still gets a pair of the same session; later the session ends. Without a `refreshToken` the cookie is taken, from pages of an allowed origin alone.',
      audience: 'public',
      body: refreshTokenBody,
      refreshCookie: 'both',
      answers: {
        200: { description: 'The new pair; the refresh token as a cookie where it came as one.', schema: tokenPair },
      },
      errors: ['UNAUTHORIZED', 'FORBIDDEN', 'TOKEN_EXPIRED', 'TOKEN_REUSED', 'INVALID_TOKEN'],
      postman: [{ body: { refreshToken: '{{refreshToken}}' }, keep: { token: 'token', refreshToken: 'refreshToken' } }],
    },
    {
      id: 'logout',
      method: 'post',
      path: '/api/auth/logout',
      summary: 'Sign out',
      description: 'By an access token, a refresh token or the cookie. The access token is dead at once.',
      audience: 'user',
      body: refreshTokenBody,
      refreshCookie: 'both',
      answers: { 204: { description: 'Signed out.' } },
      errors: ['TOKEN_EXPIRED', 'INVALID_TOKEN'],
      postman: [{ as: 'otherToken' }],
    },
    {
      id: 'listSessions',
      method: 'get',
      path: '/api/auth/sessions',
      summary: 'List the caller’s sessions',
      audience: 'user',
      etag: true,
      answers: {
        200: {
          description: 'The sessions, the last used first.',
          schema: object({ required: { sessions: Joi.array().items(session) } }),
        },
      },
      postman: [{ keep: { sessionId: 'sessions.find(({ current }) => !current).id' } }],
    },
    {
      id: 'endSession',
      method: 'delete',
      path: '/api/auth/sessions/{id}',
      summary: 'End one of the caller’s sessions',
      audience: 'user',
      parameters: [sessionPath],
      answers: { 204: { description: 'Ended.' } },
    },
    {
      id: 'endOtherSessions',
      method: 'delete',
      path: '/api/auth/sessions',
      summary: 'End all of the caller’s sessions but this',
      audience: 'user',
      answers: { 204: { description: 'Ended.' } },
    },
  ],
}
