import type { Operation } from '@/lib/openapi/operation'
import { makeApiKey, makeSession, type signIn } from '../support/factories'

export type SignedIn = Awaited<ReturnType<typeof signIn>>

/** What a caller meets: the route's own work, or a refusal with this status. */
export type Reception = 'pass' | 403 | 404

/** Something that a path with parameters is about. */
export type Subject = {
  /** Makes it for its owner: the values of the path's parameters, and the tokens of callers that only this subject has. */
  make: (owner: SignedIn) => Promise<{ parameters: Record<string, string>; callers?: Record<string, string> }>
  /** What others than the owner meet, by method and caller: `stranger` and `admin` always, and the subject's own. */
  others: Partial<Record<Operation['method'], { stranger: Reception; admin: Reception; [caller: string]: Reception }>>
}

/**
 * What the document cannot say: how a path is filled, and who may do what to whose. A path with parameters that is for
 * callers with credentials needs an entry here, with all its methods.
 */
export const subjects: Record<string, Subject> = {
  '/api/users/{id}': {
    make: async ({ user }) => ({ parameters: { id: String(user.id) } }),
    others: {
      get: { stranger: 403, admin: 'pass' },
      put: { stranger: 403, admin: 'pass' },
      patch: { stranger: 403, admin: 'pass' },
      delete: { stranger: 403, admin: 'pass' },
    },
  },
  '/api/auth/sessions/{id}': {
    make: async ({ user }) => ({ parameters: { id: (await makeSession(user)).sessionId } }),
    others: { delete: { stranger: 404, admin: 404 } },
  },
  '/api/api-keys/{id}': {
    make: async ({ user }) => ({ parameters: { id: (await makeApiKey(user, ['users:read'])).id } }),
    others: { delete: { stranger: 404, admin: 404 } },
  },
}
