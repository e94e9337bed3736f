import Joi from 'joi'
import type { ErrorDetails } from './errors'

/** A Joi schema that knows the TypeScript type of what it lets through. */
export type Schema<T> = Joi.AnySchema<T>

/** The TypeScript type of what a schema lets through. */
export type Infer<S> = S extends Joi.AnySchema<infer T> ? T : never

type Shape = Record<string, Joi.AnySchema>
type Values<S extends Shape> = { [K in keyof S]: Infer<S[K]> }
type Flat<T> = { [K in keyof T]: T[K] }
type ObjectOf<R extends Shape, O extends Shape, D extends Shape> = Flat<Values<R> & Partial<Values<O>> & Values<D>>

/**
 * An object schema from its keys, with the exact TypeScript type: `required` keys must be there, `optional` ones may,
 * `defaulted` ones carry a default and are always there afterwards. Unknown keys are refused.
 */
export function object<R extends Shape = {}, O extends Shape = {}, D extends Shape = {}>(keys: {
  required?: R
  optional?: O
  defaulted?: D
}): Joi.ObjectSchema<ObjectOf<R, O, D>> {
  const required = Object.entries(keys.required ?? {}).map(([key, schema]) => [key, schema.required()])
  return Joi.object<ObjectOf<R, O, D>>({
    ...Object.fromEntries(required),
    ...keys.optional,
    ...keys.defaulted,
  })
}

const options: Joi.AsyncValidationOptions = {
  abortEarly: false,
  convert: true,
  errors: { wrap: { label: false }, label: false },
  messages: {
    'object.unknown': 'is not allowed',
    'any.required': 'is required',
    'string.email': 'must be a valid email',
    'string.empty': 'must not be empty',
  },
}

/** What came of checking a value: the value, converted and defaulted, or the messages by field. */
export type Checked<T> = { value: T; details?: never } | { value?: never; details: ErrorDetails }

/** Checks a value against a schema; `whole` names the value itself for messages that concern no single field. */
export function check<T>(schema: Schema<T>, input: unknown, whole: string): Checked<T> {
  const result = schema.validate(input, options)
  if (result.error === undefined) return { value: result.value }
  const details = new Map<string, string[]>()
  for (const item of result.error.details) {
    const field = item.path.length > 0 ? item.path.join('.') : whole
    details.set(field, [...(details.get(field) ?? []), item.message.trim()])
  }
  return { details: Object.fromEntries(details) }
}

/** NUL, and halves of surrogate pairs that stand alone. */
const NOT_TEXT = /[\0\p{Cs}]/u

const INT4_MAX = 2_147_483_647

/**
 * A text without what PostgreSQL cannot keep (NUL) and without halves of surrogate pairs, which are not Unicode text.
 * Lengths are in UTF-16 code units, as in JSON Schema's tests of most validators.
 */
export function text(limits: { min?: number; max: number }): Joi.StringSchema {
  return Joi.string()
    .min(limits.min ?? 0)
    .max(limits.max)
    .custom((value: string, helpers) => (NOT_TEXT.test(value) ? helpers.error('string.characters') : value))
    .messages({ 'string.characters': 'must not contain NUL or broken characters' })
}

/** One of a closed list of words. */
export function oneOf<const W extends string>(...words: W[]): Joi.StringSchema<W> {
  return Joi.string<W>().valid(...words)
}

/** A whole number that JSON gave as a number: `"1"` is refused. */
export function integer(limits: { min: number; max: number }): Joi.NumberSchema {
  return Joi.number().strict().integer().min(limits.min).max(limits.max)
}

/** A whole number as plain digits in a query or path: no sign, leading zero, fraction or exponent. */
export function digits(limits: { min: number; max?: number }): Joi.NumberSchema {
  const bounded = Joi.number().unsafe().integer().min(limits.min)
  return (limits.max === undefined ? bounded : bounded.max(limits.max))
    .custom((value: number, helpers) =>
      typeof helpers.original === 'string' && !/^(0|[1-9]\d*)$/.test(helpers.original)
        ? helpers.error('number.base')
        : value,
    )
    .messages({ 'number.base': 'must be a whole number' })
}

/**
 * The id of a row, as digits in a path or query. An id beyond the column's range is a positive integer like any other
 * and names no row: it becomes 0, which none has.
 */
export function idParameter(): Joi.NumberSchema {
  return digits({ min: 1 }).custom((value: number) => (value > INT4_MAX ? 0 : value))
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** Whether a text is a UUID in lower case; PostgreSQL refuses to compare a column of UUIDs with anything else. */
export function isUuid(value: string): boolean {
  return UUID.test(value)
}

/** A UUID in a path. Its letters may be of either case, ours are small. */
export function uuidParameter(): Joi.StringSchema {
  return Joi.string().lowercase().pattern(UUID).messages({ 'string.pattern.base': 'must be a UUID' })
}

/** The id of a row in a response. */
export function id(): Joi.NumberSchema {
  return Joi.number().integer().positive()
}

/** A time in a response: a Date here, ISO 8601 in UTC with milliseconds on the wire. */
export function timestamp(): Joi.DateSchema {
  return Joi.date().iso()
}
