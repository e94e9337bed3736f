import Joi from 'joi'
import { listQuery, sortBy } from '@/lib/platform/pagination/query'
import { digits, id, idParameter, integer, object, text, timestamp, type Infer } from '@/lib/validation'
import type { ErrorDetails } from '@/lib/errors'
import { attributes } from './attributes'

const INT4_MAX = 2_147_483_647

const DEFAULT_CURRENCY = 'USD'

const CURRENCIES: ReadonlySet<string> = new Set(Intl.supportedValuesOf('currency'))

const currency = text({ max: 3 })
  .pattern(/^[A-Z]{3}$/)
  .custom((value: string, helpers) => (CURRENCIES.has(value) ? value : helpers.error('string.pattern.base')))
  .messages({ 'string.pattern.base': 'must be an ISO 4217 currency code' })

const category = text({ min: 1, max: 100 }).trim()
const wholeNumber = integer({ min: 0, max: INT4_MAX })

const keys = {
  sku: text({ min: 1, max: 64 }).trim(),
  name: text({ min: 1, max: 200 }).trim(),
  description: text({ max: 10_000 }).allow(''),
  category: Joi.string<string | null>().concat(category).allow(null),
  priceCents: wholeNumber,
  currency,
  stock: wholeNumber,
  attributes: attributes(),
}

export const product = object({
  required: { id: id(), ...keys, createdAt: timestamp(), updatedAt: timestamp() },
})
export type Product = Infer<typeof product>

/** The body of POST and PUT. Omitted fields are set to their defaults. */
export const productBody = object({
  required: { sku: keys.sku, name: keys.name, priceCents: keys.priceCents },
  defaulted: {
    description: keys.description.default(''),
    category: keys.category.default(null),
    currency: keys.currency.default(DEFAULT_CURRENCY),
    stock: keys.stock.default(0),
    attributes: keys.attributes.default({}),
  },
})
export type NewProduct = Infer<typeof productBody>

export const updateProductBody = object({ optional: keys }).min(1)
export type ProductChanges = Infer<typeof updateProductBody>

export const productPath = object({ required: { id: idParameter() } })

/** Matches `attributes[color]`. PostgreSQL rejects NUL in parameters. */
const ATTRIBUTE_FILTER = /^attributes\[([^[\]\0]{1,100})\]$/
const ATTRIBUTE_FILTERS_MAX = 10

const filters = {
  category,
  q: text({ min: 1, max: 100 }),
  minPrice: digits({ min: 0, max: INT4_MAX }),
  maxPrice: digits({ min: 0, max: INT4_MAX }),
  inStock: Joi.boolean(),
}

/** Allows up to `ATTRIBUTE_FILTERS_MAX` attribute filters. */
function withAttributes<T>(schema: Joi.ObjectSchema<T>): Joi.ObjectSchema<T> {
  return schema
    .pattern(ATTRIBUTE_FILTER, text({ max: 200 }).allow(''))
    .custom((value: object, helpers) =>
      attributeFilters(value).length > ATTRIBUTE_FILTERS_MAX ? helpers.error('attributes.many') : value,
    )
    .messages({ 'attributes.many': `must not contain more than ${ATTRIBUTE_FILTERS_MAX} attribute filters` })
}

/** Returns the names and values of filters such as `?attributes[color]=red`. */
export function attributeFilters(query: object): [name: string, value: string][] {
  return Object.entries(query).flatMap(([key, value]): [string, string][] => {
    const name = ATTRIBUTE_FILTER.exec(key)?.[1]
    return name === undefined || typeof value !== 'string' ? [] : [[name, value]]
  })
}

export const listProductsQuery = withAttributes(
  listQuery({ optional: filters, sort: sortBy('name', 'priceCents', 'stock', 'createdAt') }),
)
export type ListProductsQuery = Infer<typeof listProductsQuery>

export const exportProductsQuery = withAttributes(object({ optional: filters }))
export type ProductFilters = Infer<typeof exportProductsQuery>

/** A line of an import. The SKU identifies the product; other fields that an export adds are ignored. */
export const importLine = productBody.pattern(/^(id|createdAt|updatedAt)$/, Joi.any().strip())

export const importProductsQuery = object({})

const count = () => Joi.number().integer().min(0)

export const importResult = object({
  required: {
    created: count(),
    updated: count(),
    failed: count(),
    /** The first 100 by line. */
    errors: Joi.array<{ line: number; details: ErrorDetails }[]>().items(
      object({
        required: {
          line: Joi.number().integer().min(1),
          details: Joi.object().pattern(Joi.string(), Joi.array().items(Joi.string())),
        },
      }),
    ),
  },
})
export type ImportResult = Infer<typeof importResult>

/** The media types of imports and exports; the first is the default of exports. */
export const PRODUCT_MEDIA_TYPES = ['application/x-ndjson', 'text/csv'] as const
export type ProductMediaType = (typeof PRODUCT_MEDIA_TYPES)[number]
