import type Joi from 'joi'
import type { Scope } from '@/lib/platform/identity/scopes'
import type { ErrorCode } from '@/lib/errors'
import type { JsonSchema } from './json-schema'

/** Who may call: anybody, anybody but with more to see for those signed in, the signed-in, the user in question, admins. */
export type Audience = 'public' | 'optional' | 'user' | 'self' | 'admin'

/** Answers that are no error envelope: successes, and a readiness that is none. */
export type AnswerStatus = 200 | 201 | 204 | 206 | 503

export type Answer = {
  description: string
  /** The JSON body; none where there is neither this nor `content`. */
  schema?: Joi.AnySchema
  /** Bodies that are not JSON, by media type. */
  content?: Record<string, { schema: JsonSchema }>
  /** Headers that only this answer has, by name. */
  headers?: Record<string, { description: string; schema: JsonSchema }>
}

/** One call of an operation in the Postman collection, where it differs from what the declaration says by itself. */
export type PostmanStep = {
  name?: string
  /** The variable that holds the token to call with, or none; by default what the audience needs. */
  as?: 'token' | 'adminToken' | 'otherToken' | 'nobody'
  /** What stands for a path parameter; by default the variable that the thing's id was kept in. */
  path?: Record<string, string>
  query?: Record<string, string>
  headers?: Record<string, string>
  /** In the place of the example; a text `{{#name}}` is a variable that holds a number. */
  body?: JsonSchema
  /** A body that is not JSON. */
  raw?: { type: string; text: string }
  /** What it must be answered with; by default the success that is declared. */
  status?: number
  /** Variables made anew before the call, from templates with Postman's dynamic variables. */
  fresh?: Record<string, string>
  /** Variables kept from the answer: what of the body each holds, in JavaScript, such as `user.id`. */
  keep?: Record<string, string>
}

/**
 * What the document says of a method of a route. Parameters, headers, error codes and examples that follow from the
 * schemas and the mechanisms are not said twice.
 */
export type Operation = {
  /** Its name in generated clients. */
  id: string
  method: 'get' | 'post' | 'put' | 'patch' | 'delete'
  path: `/api${string}`
  summary: string
  description?: string
  audience: Audience
  /** What an API key must hold, or `any` key. Without it, where credentials are asked for, no API key will do. */
  scope?: Scope | 'any'
  /** Path parameters, and the query's; one schema may hold both. */
  parameters?: Joi.ObjectSchema[]
  /** Query parameters that a schema cannot say: in the place of, or beside, those of `parameters`, by name. */
  queryParameters?: Record<string, JsonSchema>
  body?: Joi.AnySchema
  /** Bodies that are not JSON, by media type. */
  rawBody?: Record<string, { schema: JsonSchema }>
  /** The body's example, where the one made of its required fields would not do. */
  example?: JsonSchema
  answers: Partial<Record<AnswerStatus, Answer>>
  /** Failures that follow neither from the audience nor from the schemas nor from a mechanism below. */
  errors?: ErrorCode[]
  /** Answers have an `ETag`, and `If-None-Match` is heeded. */
  etag?: boolean
  /** `If-Match` is heeded. */
  ifMatch?: boolean
  /** `Idempotency-Key` is heeded. */
  idempotent?: boolean
  /** Answers have a `Link` header to other pages. */
  list?: boolean
  /** The refresh token may come, or go, as a cookie. */
  refreshCookie?: 'given' | 'taken' | 'both'
  /** No rate limit. */
  unlimited?: boolean
  /** How the Postman collection calls it: once, unless this says otherwise. */
  postman?: PostmanStep[]
}

/** The operations of one domain: a section of the document. */
export type ApiTag = {
  tag: string
  description: string
  /** Schemas that the document names; wherever their shape occurs it is a reference to the name. */
  schemas: Record<string, Joi.AnySchema>
  operations: Operation[]
}
