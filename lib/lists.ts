import Joi from 'joi'
import { digits, object, type Infer } from './validation'

export const PAGE_LIMIT_MAX = 100
const PAGE_LIMIT_DEFAULT = 20

/** One step of an order. */
export type SortKey<F extends string> = { field: F; direction: 'asc' | 'desc' }

/** The request for one page. Pages count from 1. */
export type PageRequest = { page: number; limit: number }

/** One page of a list, and how long the list is. */
export type Page<T> = { items: T[]; total: number }

/** `?sort=-createdAt,name` over the fields named here, as an array of steps; a field twice is refused. */
export function sortBy<const F extends string>(...fields: F[]): Joi.AnySchema<SortKey<F>[]> {
  const isField = (word: string): word is F => fields.some((field) => field === word)
  return Joi.any<SortKey<F>[]>()
    .custom((value: unknown, helpers) => {
      const keys: SortKey<F>[] = []
      for (const word of String(value).split(',')) {
        const field = word.replace(/^-/, '')
        if (!isField(field) || keys.some((key) => key.field === field)) return helpers.error('sort.field')
        keys.push({ field, direction: word.startsWith('-') ? 'desc' : 'asc' })
      }
      return keys
    })
    .meta({
      jsonSchema: { type: 'array', items: { type: 'string', enum: fields.flatMap((field) => [field, `-${field}`]) } },
    })
    .messages({
      'sort.field': `must be made of ${fields.join(', ')}, each once, separated by commas, with - for descending`,
    })
}

/** The query of a list: the filters given here beside `page`, `limit` and `sort`. */
export function listQuery<O extends Record<string, Joi.AnySchema>, S extends Joi.AnySchema>(keys: {
  optional: O
  sort: S
}) {
  return object({
    optional: { ...keys.optional, sort: keys.sort },
    defaulted: {
      page: digits({ min: 1, max: 1_000_000_000 }).default(1),
      limit: digits({ min: 1, max: PAGE_LIMIT_MAX }).default(PAGE_LIMIT_DEFAULT),
    },
  })
}

export type ListQuery = Infer<ReturnType<typeof listQuery<{}, Joi.AnySchema>>>
