import Joi from 'joi'
import { digits, object } from '@/lib/validation'

export const PAGE_LIMIT_MAX = 100

/** How many rows PostgreSQL may read and drop before a page. Who wants to go further takes a cursor. */
export const OFFSET_MAX = 100_000

const PAGE_LIMIT_DEFAULT = 20
const CURSOR_MAX_CHARACTERS = 4_096

/** One step of an order. */
export type SortKey<F extends string> = { field: F; direction: 'asc' | 'desc' }

/**
 * The request for a part of a list: the page of that number, which counts from 1, or what follows a cursor. Without
 * either it is the first page.
 */
export type ListRequest<F extends string = never> = {
  page?: number
  cursor?: string
  limit: number
  sort?: SortKey<F>[]
}

/** A part of a list: of a page, with how long the list is; after a cursor, with the next cursor, null at the end. */
export type List<T> = { items: T[]; total: number } | { items: T[]; nextCursor: string | null }

/** `?sort=-createdAt,name` over the fields named here, as an array of steps; a field twice is refused. */
export function sortBy<const F extends string>(...fields: F[]): Joi.AnySchema<SortKey<F>[]> {
  const isField = (word: string): word is F => fields.some((field) => field === word)
  return Joi.any<SortKey<F>[]>()
    .custom((value: unknown, helpers) => {
      // An array is what a query becomes in which it stands twice.
      if (typeof value !== 'string') return helpers.error('sort.field')
      const keys: SortKey<F>[] = []
      for (const word of value.split(',')) {
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

/**
 * The query of a list: the filters given here beside `page` or `cursor`, `limit` and, where the list names fields to
 * sort by, `sort`; `path` are the parameters of the list's path. What a cursor says is checked by `paginate`, which
 * knows the order that it must belong to.
 */
export function listQuery<
  O extends Record<string, Joi.AnySchema>,
  F extends string = never,
  P extends Record<string, Joi.AnySchema> = {},
>(keys: { path?: P; optional: O; sort?: Joi.AnySchema<SortKey<F>[]> }) {
  const part = {
    page: digits({ min: 1, max: 1_000_000_000 }),
    cursor: Joi.string().allow('').max(CURSOR_MAX_CHARACTERS),
    sort: keys.sort ?? Joi.any<SortKey<F>[]>().forbidden(),
  }
  return object({
    ...(keys.path !== undefined && { required: keys.path }),
    optional: { ...keys.optional, ...part },
    defaulted: { limit: digits({ min: 1, max: PAGE_LIMIT_MAX }).default(PAGE_LIMIT_DEFAULT) },
  })
    .custom((value: { page?: number; cursor?: string }, helpers) =>
      value.page !== undefined && value.cursor !== undefined
        ? helpers.error('cursor.page', {}, helpers.state.localize?.([...(helpers.state.path ?? []), 'cursor']))
        : value,
    )
    .messages({ 'cursor.page': 'must not come with page' })
}
