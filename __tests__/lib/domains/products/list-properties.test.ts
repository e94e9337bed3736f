import { randomUUID } from 'node:crypto'
import fc from 'fast-check'
import type { Attributes, Json } from '@/lib/domains/products/attributes'
import { listProducts } from '@/lib/domains/products/service'
import { listProductsQuery, type Product } from '@/lib/domains/products/schema'
import { prisma } from '@/lib/platform/db/prisma'
import { check } from '@/lib/validation'
import { listProperties } from '../../../support/list-properties'

const INT4_MAX = 2_147_483_647

// Few names, so that there are ties: capitals, accents, characters that UTF-16 orders differently, wildcards of LIKE.
const letter = fc.constantFrom('a', 'A', 'b', 'é', 'É', 'z', '\uFB01', '😀', '%', '_', '\\', "'", ' ')
const name = fc.string({ unit: letter, minLength: 1, maxLength: 3 }).filter((text) => text.trim() !== '')
const words = fc.array(fc.constantFrom('oak', 'Oaken', 'chair', 'CHAIRS', 'über', 'Über', 'Straße'), { maxLength: 3 })
const category = fc.constantFrom('a', 'A', 'ä', 'a b', "'; --")
const price = fc.constantFrom(0, 1, 99, 100, 101, INT4_MAX - 1, INT4_MAX)
const stock = fc.constantFrom(0, 0, 1, 2, INT4_MAX)
const time = fc.integer({ min: 0, max: 5 }).map((ms) => new Date(1_700_000_000_000 + ms))

// Similar values of different types, and names of built-in object properties.
const plain = fc.constantFrom<Json>('1', 1, 1.5, '1.50', 'true', true, 'false', false, null, 'null', '', 0, 1e21, '😀')
const value = fc.oneof(
  { weight: 4, arbitrary: plain },
  fc.array(plain, { maxLength: 2 }),
  fc.dictionary(fc.constantFrom('a', 'b'), plain, { maxKeys: 2 }),
)
const key = fc.oneof(
  { weight: 3, arbitrary: fc.constant('a') },
  fc.constantFrom('b', 'a b', 'a.b', '$', 'toString', "'"),
)
const attributes: fc.Arbitrary<Attributes> = fc.dictionary(key, value, { maxKeys: 3, noNullPrototype: true })

const seed = fc.record({
  name,
  words,
  category: fc.option(category),
  priceCents: price,
  stock,
  attributes,
  createdAt: time,
})

const asText = fc.constantFrom('1', '1.5', '1.50', 'true', 'false', 'null', '', '0', '-0', '1e+21', '1e21', '😀', '{}')
const wanted = fc.uniqueArray(fc.tuple(key, asText), { selector: ([field]) => field, minLength: 1, maxLength: 2 })
const term = fc.constantFrom('oak', 'OAKEN', 'cha', 'chairs', 'ÜBER', 'stra', 'nothing')

/** Each filter is optional, since few products would match all of them. */
const seldom = <T>(arbitrary: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 4, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary })

const filters = fc.record({
  category: seldom(category),
  q: seldom(fc.array(term, { minLength: 1, maxLength: 2 })),
  minPrice: seldom(price),
  maxPrice: seldom(price),
  inStock: seldom(fc.boolean()),
  attributes: seldom(wanted),
})
type Filters = typeof filters extends fc.Arbitrary<infer T> ? T : never

/** Returns the filters as query parameters. */
function toParameters({ q, attributes: named = [], ...others }: Filters): Record<string, string> {
  const ofAttributes = named.map(([field, text]) => [`attributes[${field}]`, text])
  return withoutGaps({ ...others, q: q?.join(' '), ...Object.fromEntries(ofAttributes) })
}

/** Returns the defined values as strings. */
function withoutGaps(parameters: Record<string, unknown>): Record<string, string> {
  const present = Object.entries(parameters).filter(([, given]) => given !== undefined)
  return Object.fromEntries(present.map(([field, given]) => [field, String(given)]))
}

/** Generates a string, or the number or boolean with the same text. */
function reads(found: Json | undefined, text: string): boolean {
  return typeof found !== 'object' && found !== undefined && String(found) === text
}

function isListed(product: Product, { q = [], attributes: named = [], ...filter }: Filters): boolean {
  const { category: kind, minPrice = 0, maxPrice = INT4_MAX, inStock } = filter
  const held = `${product.name} ${product.sku} ${product.description}`.toLowerCase().split(/[^\p{L}\p{N}]+/u)
  return (
    (kind === undefined || product.category === kind) &&
    product.priceCents >= minPrice &&
    product.priceCents <= maxPrice &&
    (inStock === undefined || product.stock > 0 === inStock) &&
    q.every((word) => held.some((one) => one.startsWith(word.toLowerCase()))) &&
    named.every(([field, text]) => Object.hasOwn(product.attributes, field) && reads(product.attributes[field], text))
  )
}

const products = listProperties(
  {
    seed,
    clear: () => prisma().product.deleteMany(),
    remove: (rows) => prisma().product.deleteMany({ where: { id: { in: rows.map(({ id }) => id) } } }),
    add: async (seeds) => {
      const data = seeds.map(({ words: described, ...row }) => ({
        ...row,
        sku: randomUUID(),
        description: described.join(', '),
        currency: 'EUR',
      }))
      const made = await prisma().product.createManyAndReturn({ data, omit: { attributes: true } })
      return made.map((row, index) => ({ ...row, attributes: seeds[index]?.attributes ?? {} }))
    },
    query: filters,
    isListed,
    fields: ['name', 'priceCents', 'stock', 'createdAt'],
    read: async (given, { sort, ...part }) => {
      const words = sort?.map(({ field, direction }) => (direction === 'asc' ? field : `-${field}`))
      const parameters = { ...toParameters(given), ...withoutGaps({ ...part, sort: words?.join() }) }
      const { value: query, details } = check(listProductsQuery, parameters, 'query')
      if (details !== undefined) throw new Error(JSON.stringify(details))
      return listProducts(query)
    },
  },
  { numRuns: 100 },
)

const lists = { products }

describe.each(Object.entries(lists))(
  '%s, for any data',
  (_name, { matchReferenceImplementation, areStableUnderConcurrentWrites }) => {
    it('match the reference implementation by page and by cursor', matchReferenceImplementation, 120_000)

    it('are listed exactly once under concurrent writes', areStableUnderConcurrentWrites, 120_000)
  },
)
