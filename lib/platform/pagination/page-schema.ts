import Joi from 'joi'
import { object } from '@/lib/validation'

const count = () => Joi.number().integer().min(0)

const byPage = object({
  required: {
    page: Joi.number().integer().min(1),
    limit: Joi.number().integer().min(1),
    total: count(),
    pages: count(),
  },
})

const byCursor = object({
  required: { limit: Joi.number().integer().min(1), nextCursor: Joi.string<string | null>().allow(null) },
})

export const pagination = { Pagination: byPage, CursorPagination: byCursor }

/** Returns the schema of a page: the items under their plural name, and the pagination by page or by cursor. */
export function pageOf(plural: string, item: Joi.AnySchema): Joi.ObjectSchema {
  return object({ required: { [plural]: Joi.array().items(item), pagination: Joi.alternatives(byPage, byCursor) } })
}
