import Joi from 'joi'
import { digits, object } from '@/lib/validation'

export const PAGE_LIMIT_MAX = 100

/** Rows before a page by number, which PostgreSQL reads and discards; a cursor has no such limit. */
export const OFFSET_MAX = 100_000

const PAGE_LIMIT_DEFAULT = 20
export const CURSOR_MAX_CHARACTERS = 4_096

/** A field to sort by. */
export type SortKey<F extends string> = { field: F; direction: 'asc' | 'desc' }

/** The request for a page by its number, from 1, or by cursor; the first page by default. */
export type ListRequest<F extends string = never> = {
  page?: number
  cursor?: string
  limit: number
  sort?: SortKey<F>[]
}

/**
 * One page of a list: by number with the total count, by cursor with the next cursor, null on the last page. A page by
 * number that ended early has a `continuation`, the cursor that continues after its last item.
 */
export type List<T> = { items: T[]; total: number; continuation?: string } | { items: T[]; nextCursor: string | null }

/** Returns the schema of `?sort=-createdAt,name` over these fields; repeated fields are rejected. */
export function sortBy<const F extends string>(...fields: F[]): Joi.AnySchema<SortKey<F>[]> {
  const isField = (word: string): word is F => fields.some((field) => field === word)
  return Joi.any<SortKey<F>[]>()
    .custom((value: unknown, helpers) => {
      // A repeated query parameter arrives as an array.
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
      'sort.field': `must be a comma-separated list of: ${fields.join(', ')}; prefix with - for descending`,
    })
}

/**
 * Returns the schema of a list's query: its filters, `page` or `cursor`, `limit` and, if the list has sortable fields,
 * `sort`. `path` are the parameters of the path. `paginate` validates the content of the cursor.
 */
export function listQuery<
  O extends Record<string, Joi.AnySchema>,
  F extends string = never,
  P extends Record<string, Joi.AnySchema> = {},
>(keys: { path?: P; optional: O; sort?: Joi.AnySchema<SortKey<F>[]> }) {
  const pagination = {
    page: digits({ min: 1, max: 1_000_000_000 }),
    cursor: Joi.string().allow('').max(CURSOR_MAX_CHARACTERS),
    sort: keys.sort ?? Joi.any<SortKey<F>[]>().forbidden(),
  }
  return object({
    ...(keys.path !== undefined && { required: keys.path }),
    optional: { ...keys.optional, ...pagination },
    defaulted: { limit: digits({ min: 1, max: PAGE_LIMIT_MAX }).default(PAGE_LIMIT_DEFAULT) },
  })
    .custom((value: { page?: number; cursor?: string }, helpers) =>
      value.page !== undefined && value.cursor !== undefined
        ? helpers.error('cursor.page', {}, helpers.state.localize?.([...(helpers.state.path ?? []), 'cursor']))
        : value,
    )
    .messages({ 'cursor.page': 'cannot be combined with page' })
}
