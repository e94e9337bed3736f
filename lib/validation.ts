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

/** A checked value, converted and with defaults, or the messages by field. */
export type Checked<T> = { value: T; details?: never } | { value?: never; details: ErrorDetails }

/** The most fields that one response reports. */
const REPORTED_FIELDS_MAX = 100

/** The keys of an object schema, and the longest array that each may hold; undefined where any key is allowed. */
type ShapeLimits = { keys: ReadonlySet<string>; arrays: readonly (readonly [key: string, max: number])[] } | undefined

const shapeLimits = new WeakMap<object, ShapeLimits>()

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function limitsOf(schema: Joi.AnySchema): ShapeLimits {
  if (shapeLimits.has(schema)) return shapeLimits.get(schema)
  const described = schema.describe()
  const keys: unknown = described['keys']
  const isClosed =
    isRecord(keys) &&
    described['patterns'] === undefined &&
    !(isRecord(described.flags) && described.flags['unknown'] === true)
  const limits = isClosed
    ? {
        keys: new Set(Object.keys(keys)),
        arrays: Object.entries(keys).flatMap(([key, value]) => arrayLimit(key, value)),
      }
    : undefined
  shapeLimits.set(schema, limits)
  return limits
}

function arrayLimit(key: string, described: unknown): [string, number][] {
  if (!isRecord(described) || !Array.isArray(described['rules'])) return []
  if (described['type'] !== 'array') return []
  const rules: unknown[] = described['rules']
  return rules.flatMap((rule) => {
    const limit = isRecord(rule) && rule['name'] === 'max' && isRecord(rule['args']) ? rule['args']['limit'] : undefined
    return typeof limit === 'number' ? [[key, limit] satisfies [string, number]] : []
  })
}

/**
 * Cuts off what the schema rejects anyway before Joi sees it: Joi writes a message for every unknown key and every item
 * of an array that is too long, at several microseconds each, so one body could block the process for a second.
 */
function bounded(schema: Joi.AnySchema, input: unknown): { input: unknown; details: Map<string, string[]> } {
  const details = new Map<string, string[]>()
  const limits = isRecord(input) ? limitsOf(schema) : undefined
  if (!isRecord(input) || limits === undefined) return { input, details }
  if (Object.keys(input).length > limits.keys.size + REPORTED_FIELDS_MAX) {
    const entries = Object.entries(input)
    const unknown = entries.filter(([key]) => !limits.keys.has(key)).slice(0, REPORTED_FIELDS_MAX - limits.keys.size)
    for (const [key] of unknown) details.set(key, ['is not allowed'])
    return { input: Object.fromEntries(entries.filter(([key]) => limits.keys.has(key))), details }
  }
  const tooLong = limits.arrays.filter(([key, max]) => {
    const value = input[key]
    return Array.isArray(value) && value.length > max
  })
  if (tooLong.length === 0) return { input, details }
  for (const [key, max] of tooLong) details.set(key, [`must contain less than or equal to ${max} items`])
  const cut = tooLong.map(([key, max]) => {
    const value = input[key]
    return [key, Array.isArray(value) ? value.slice(0, max) : value]
  })
  return { input: { ...input, ...Object.fromEntries(cut) }, details }
}

/**
 * Checks a value against a schema; `whole` names the value itself for messages that concern no single field. At most
 * `REPORTED_FIELDS_MAX` fields are reported.
 */
export function check<T>(schema: Schema<T>, given: unknown, whole: string): Checked<T> {
  const { input, details } = bounded(schema, given)
  const result = schema.validate(input, options)
  if (result.error === undefined && details.size === 0) return { value: result.value }
  for (const item of result.error?.details ?? []) {
    const field = item.path.length > 0 ? item.path.join('.') : whole
    if (!details.has(field) && details.size >= REPORTED_FIELDS_MAX) break
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
