import Joi from 'joi'

/** What JSON can say. */
export type Json = string | number | boolean | null | Json[] | Attributes

/** Free properties of a product, in place of fixed columns. */
export type Attributes = { [key in string]?: Json }

/** Of the JSON text in UTF-8, as short as it can be written. */
const SIZE_MAX_BYTES = 16_384

/** Deeper nesting serves no catalogue, and exhausts the stack of whatever walks it. */
const DEPTH_MAX = 100

/** The escapes by which JSON writes NUL and single halves of surrogate pairs, neither of which PostgreSQL keeps. */
const NOT_TEXT = /(?<!\\)(?:\\\\)*\\u(?:0000|d[89a-f])/

function isDeeperThan(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  return levels === 0 || Object.values(value).some((item) => isDeeperThan(item, levels - 1))
}

/** Any JSON object of 16 KiB or less. */
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
      'attributes.size': `must be ${SIZE_MAX_BYTES} bytes of JSON or fewer`,
      'attributes.characters': 'must not contain NUL or broken characters',
    })
}
