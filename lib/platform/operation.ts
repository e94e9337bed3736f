import type Joi from 'joi'
import type { ErrorCode } from '@/lib/errors'
import type { Actor } from './identity/actor'
import { SCOPES, type Scope } from './identity/scopes'

export const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const
export type Method = (typeof METHODS)[number]

/** `families` stands for `families:read` with GET and for `families:write` with every other method. */
type ScopeFamily = Scope extends `${infer Family}:${string}` ? Family : never

/** What an API key needs; `any` admits every key. Without a scope API keys are rejected, so a forgotten one fails closed. */
type RequiredScope = Scope | ScopeFamily | 'any'

/**
 * Whether the operation needs a proof of identity within the last 15 minutes; `sometimes` for some bodies only. The service
 * checks it with `confirmActor`, in the transaction that it protects; `__tests__/contract/callers.test.ts` verifies that.
 */
type Recent = true | 'sometimes'

/** Requires a session. */
export type SessionAccess = { scope?: never; role?: Actor['role']; optional?: never; recent?: Recent }
/** Requires a session or an API key with the scope. */
export type ScopedAccess = { scope: RequiredScope; role?: Actor['role']; optional?: never; recent?: Recent }
/** Admits anonymous callers too. */
export type OptionalAccess = { scope: RequiredScope; role?: never; optional: true; recent?: never }

/** What an operation requires of its caller. The route's wrapper and the OpenAPI document read the same value. */
export type Access = 'public' | SessionAccess | ScopedAccess | OptionalAccess

/** Returns the scope that an API key needs to call a method; undefined where API keys are rejected. */
export function requiredScope(access: Access, method: string | undefined): Scope | 'any' | undefined {
  if (access === 'public' || access.scope === undefined) return undefined
  if (access.scope === 'any') return 'any'
  const name = access.scope.includes(':') ? access.scope : `${access.scope}:${method === 'GET' ? 'read' : 'write'}`
  return SCOPES.find((scope) => scope === name)
}

/** JSON, or JSON Schema. */
type Json = Record<string, unknown>

/** Response statuses without the error envelope: successes, and the 503 of `GET /api/ready`. */
export type ResponseStatus = 200 | 201 | 204 | 206 | 503

export type ResponseDeclaration = {
  description: string
  /** The JSON body; a response without `schema` and `content` has no body. */
  schema?: Joi.AnySchema
  /** Bodies that are not JSON, by media type. */
  content?: Record<string, { schema: Json }>
  /** Headers that only this response has, by name. */
  headers?: Record<string, { description: string; schema: Json }>
}

/** One call of an operation in the Postman collection, as far as it differs from the operation's declaration. */
export type PostmanStep = {
  name?: string
  /** The variable that holds the bearer token; by default the one that `access` calls for. */
  as?: 'token' | 'adminToken' | 'otherToken' | 'anonymous'
  /** Values of path parameters; by default the variable in which an earlier step stored the id. */
  path?: Record<string, string>
  query?: Record<string, string>
  headers?: Record<string, string>
  /** Replaces the example; a text `{{#name}}` is a variable that holds a number. */
  body?: Json
  /** A body that is not JSON. */
  raw?: { type: string; text: string }
  /** The expected status; by default the declared success. */
  status?: number
  /** Variables to generate before the call, from templates with Postman's dynamic variables. */
  generate?: Record<string, string>
  /** Variables to store from the response: paths in its body, in JavaScript, such as `user.id`. */
  store?: Record<string, string>
}

type OperationDetails = {
  /** The operation's name in generated clients. */
  id: string
  summary: string
  description?: string
  /** Path and query parameters; one schema may declare both. */
  parameters?: Joi.ObjectSchema[]
  /** Query parameters that Joi cannot express, by name; they override those of `parameters`. */
  queryParameters?: Record<string, Json>
  body?: Joi.AnySchema
  /** The largest JSON body; by default 16 KiB. */
  maxBodyBytes?: number
  /** Bodies that are not JSON, by media type. */
  rawBody?: Record<string, { schema: Json }>
  /** The body's example; by default generated from the required fields. */
  example?: Json
  responses: Partial<Record<ResponseStatus, ResponseDeclaration>>
  /** Errors that follow neither from `access` nor from the schemas nor from a flag below. */
  errors?: ErrorCode[]
  /** Responses have an `ETag`; GET honours `If-None-Match`. */
  etag?: boolean
  /** False where the body is no resource or list, so that `?fields=` selects nothing from it. */
  selectable?: boolean
  /** Honours `If-Match`. */
  ifMatch?: boolean
  /** Honours `Idempotency-Key`. */
  idempotent?: boolean
  /** Responses have a `Link` header to other pages. */
  list?: boolean
  /** Sends the refresh token as a cookie, accepts it as one, or both. */
  refreshCookie?: 'sent' | 'accepted' | 'both'
  /** False ignores `Prefer: dry-run`, for work with effects outside of the database. */
  dryRun?: false
  /** False exempts the route from the general rate limit. */
  rateLimited?: boolean
  /** The calls in the Postman collection; by default one. */
  postman?: PostmanStep[]
}

/** A method of a route, as the OpenAPI document describes it. What follows from schemas and flags is not declared again. */
export type Operation<A extends Access = Access> = OperationDetails & {
  method: Method
  path: `/api${string}`
  access: A
}

/** Returns whether an operation honours `Prefer: dry-run`: every write except streams and uploads. */
export function honoursDryRun({ method, rawBody, dryRun }: Operation): boolean {
  return method !== 'GET' && rawBody === undefined && dryRun !== false
}

/** The operations of one URL. */
export type Route = { operations: readonly Operation[] }

/** A section of the OpenAPI document. */
export type ApiTag = {
  tag: string
  description: string
  /** Named schemas; the document refers to them by name wherever their shape occurs. */
  schemas: Record<string, Joi.AnySchema>
  operations: readonly Operation[]
}

/**
 * Declares the operations of one URL, with one `access` for all methods or one in each operation. The route file passes the result to
 * `apiHandler` and its `access` to `requireAuth`, so that what a route requires is written once.
 */
export function defineRoute<const A extends Access, M extends Method>(
  path: Operation['path'],
  access: A,
  operations: Record<M, OperationDetails>,
): Route & { access: A } & Record<M, Operation<A>>
export function defineRoute<const T extends Partial<Record<Method, Access>>>(
  path: Operation['path'],
  operations: { [M in keyof T]: OperationDetails & { access: T[M] } },
): Route & { [M in keyof T]: Operation<Extract<T[M], Access>> }
export function defineRoute(
  path: Operation['path'],
  ...rest:
    | [access: Access, operations: Partial<Record<Method, OperationDetails>>]
    | [operations: Partial<Record<Method, OperationDetails & { access: Access }>>]
): Route {
  const operations = METHODS.flatMap((method): Operation[] => {
    if (rest.length === 2) {
      const [access, { [method]: details }] = rest
      return details === undefined ? [] : [{ ...details, method, path, access }]
    }
    const details = rest[0][method]
    return details === undefined ? [] : [{ ...details, method, path }]
  })
  return {
    operations,
    ...(rest.length === 2 && { access: rest[0] }),
    ...Object.fromEntries(operations.map((operation) => [operation.method, operation])),
  }
}
