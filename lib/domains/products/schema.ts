import Joi from 'joi'
import { listQuery, sortBy } from '@/lib/platform/pagination/query'
import { digits, id, idParameter, integer, object, text, timestamp, type Infer } from '@/lib/validation'
import { attributes } from './attributes'

const INT4_MAX = 2_147_483_647

/** What a price is in when nobody says. */
const DEFAULT_CURRENCY = 'USD'

const CURRENCIES: ReadonlySet<string> = new Set(Intl.supportedValuesOf('currency'))

/** An ISO 4217 code in capitals. */
const currency = () =>
  text({ max: 3 })
    .pattern(/^[A-Z]{3}$/)
    .custom((value: string, helpers) => (CURRENCIES.has(value) ? value : helpers.error('string.pattern.base')))
    .messages({ 'string.pattern.base': 'must be an ISO 4217 currency code' })

const sku = () => text({ min: 1, max: 64 }).trim()
const name = () => text({ min: 1, max: 200 }).trim()
const description = () => text({ max: 10_000 }).allow('')
const category = () => text({ min: 1, max: 100 }).trim()
const nullableCategory = () => Joi.string<string | null>().concat(category()).allow(null)
const wholeNumber = () => integer({ min: 0, max: INT4_MAX })

export const product = object({
  required: {
    id: id(),
    sku: sku(),
    name: name(),
    description: description(),
    category: nullableCategory(),
    priceCents: wholeNumber(),
    currency: currency(),
    stock: wholeNumber(),
    attributes: attributes(),
    createdAt: timestamp(),
    updatedAt: timestamp(),
  },
})
export type Product = Infer<typeof product>

/** A whole product, as `POST` makes it and `PUT` replaces it: what is left out takes its default. */
export const productBody = object({
  required: { sku: sku(), name: name(), priceCents: wholeNumber() },
  defaulted: {
    description: description().default(''),
    category: nullableCategory().default(null),
    currency: currency().default(DEFAULT_CURRENCY),
    stock: wholeNumber().default(0),
    attributes: attributes().default({}),
  },
})
export type NewProduct = Infer<typeof productBody>

export const updateProductBody = object({
  optional: {
    sku: sku(),
    name: name(),
    description: description(),
    category: nullableCategory(),
    priceCents: wholeNumber(),
    currency: currency(),
    stock: wholeNumber(),
    attributes: attributes(),
  },
}).min(1)
export type ProductChanges = Infer<typeof updateProductBody>

export const productPath = object({ required: { id: idParameter() } })

/** `attributes[color]`: the name of one attribute. None has a NUL in its name, which PostgreSQL could not even look for. */
const ATTRIBUTE_FILTER = /^attributes\[([^[\]\0]{1,100})\]$/
const ATTRIBUTE_FILTERS_MAX = 10

const filters = {
  category: category(),
  q: text({ min: 1, max: 100 }),
  minPrice: digits({ min: 0, max: INT4_MAX }),
  maxPrice: digits({ min: 0, max: INT4_MAX }),
  inStock: Joi.boolean(),
}

/** Lets `attributes[…]` through, a few of them, each once. */
function withAttributes<T>(schema: Joi.ObjectSchema<T>): Joi.ObjectSchema<T> {
  return schema
    .pattern(ATTRIBUTE_FILTER, text({ max: 200 }).allow(''))
    .custom((value: object, helpers) =>
      attributeFilters(value).length > ATTRIBUTE_FILTERS_MAX ? helpers.error('attributes.many') : value,
    )
    .messages({ 'attributes.many': `must not ask for more than ${ATTRIBUTE_FILTERS_MAX} attributes` })
}

/** What `?attributes[color]=red` asks for: names and values. */
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

/** A line of an import: a whole product. What an export says beside it is passed over; the SKU tells which product. */
export const importLine = productBody.pattern(/^(id|createdAt|updatedAt)$/, Joi.any().strip())

export const importProductsQuery = object({})
