import Joi from 'joi'
import { CURSOR_MAX_CHARACTERS, PAGE_LIMIT_MAX } from './query'
import { object } from '@/lib/validation'

const count = () => Joi.number().integer().min(0)

const byPage = object({
  required: {
    page: Joi.number().integer().min(1),
    limit: Joi.number().integer().min(1),
    total: count(),
    pages: count(),
  },
  optional: {
    /** Only in a page that ended early at about 1 MiB: continues after its last item. */
    nextCursor: Joi.string().max(CURSOR_MAX_CHARACTERS),
  },
})

const byCursor = object({
  required: {
    limit: Joi.number().integer().min(1),
    nextCursor: Joi.string<string | null>().max(CURSOR_MAX_CHARACTERS).allow(null),
  },
})

export const pagination = { Pagination: byPage, CursorPagination: byCursor }

/** Returns the schema of a page: the items under their plural name, and the pagination by page or by cursor. */
export function pageOf(plural: string, item: Joi.AnySchema): Joi.ObjectSchema {
  return object({
    required: { [plural]: Joi.array().items(item).max(PAGE_LIMIT_MAX), pagination: Joi.alternatives(byPage, byCursor) },
  })
}
