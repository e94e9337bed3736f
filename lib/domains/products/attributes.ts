import Joi from 'joi'
import { JSON_LEVELS_MAX } from '@/lib/json-bounds'

/** Any JSON value. */
export type Json = string | number | boolean | null | Json[] | Attributes

/** Free-form properties of a product. */
export type Attributes = { [key in string]?: Json }

/** Size of the compact JSON text in UTF-8. */
const SIZE_MAX_BYTES = 16_384

/** The object around the attributes is the first level of a body. */
const DEPTH_MAX = JSON_LEVELS_MAX - 1

/** Matches JSON's escapes of NUL and of lone surrogates, which PostgreSQL cannot store. */
const NOT_TEXT = /(?<!\\)(?:\\\\)*\\u(?:0000|d[89a-f])/

function isDeeperThan(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  return levels === 0 || Object.values(value).some((item) => isDeeperThan(item, levels - 1))
}

/** Validates a JSON object of at most 16 KiB. */
export function attributes(): Joi.ObjectSchema<Attributes> {
  return Joi.object<Attributes>()
    .strict()
    .custom((value: Attributes, helpers) => {
      if (isDeeperThan(value, DEPTH_MAX)) return helpers.error('attributes.depth')
      const json = JSON.stringify(value)
      if (Buffer.byteLength(json) > SIZE_MAX_BYTES) return helpers.error('attributes.size')
      return NOT_TEXT.test(json) ? helpers.error('attributes.characters') : value
    })
    .messages({
      'attributes.depth': `must not be nested more than ${DEPTH_MAX} levels deep`,
      'attributes.size': `must not exceed ${SIZE_MAX_BYTES} bytes of JSON`,
      'attributes.characters': 'must not contain NUL or invalid Unicode',
    })
}
