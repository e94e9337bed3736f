import { listProducts } from '@/lib/domains/products/service'
import { findProductsAfter } from '@/lib/domains/products/import-export/bulk-repository'
import { listProductsQuery, type ListProductsQuery } from '@/lib/domains/products/schema'
import { check } from '@/lib/validation'
import { assertNoSeqScan, load, rowsRead } from '../../../support/query-plans'

const PRODUCTS = 120_000

const TABLES = ['products']

/** Creates products in 20 categories and 40 colours with 5,000 words; a tenth of the prices are unique, a fifth is sold out. */
beforeAll(async () => {
  await load(
    'products',
    `INSERT INTO products (sku, name, description, category, price_cents, currency, stock, attributes, created_at)
     SELECT 'PLAN-' || n, 'Thing ' || md5(n::text), 'w' || n % 5000 || ' ' || repeat(md5((n * 2)::text) || ' ', 4),
            CASE WHEN n % 21 < 20 THEN 'c' || n % 21 END, n * 7919 % 1000003, 'USD',
            CASE WHEN n % 5 = 0 THEN 0 ELSE n * 31 % 500 + 1 END,
            jsonb_build_object('color', 'c' || n % 40, 'weightGrams', n % 2000, 'refurbished', n % 50 = 0),
            timestamptz '2026-01-01' + (n % 60000) * interval '1 minute'
     FROM generate_series(1, ${PRODUCTS}) n`,
  )
}, 180_000)

type Query = Record<string, string>

function parse(query: Query): ListProductsQuery {
  const { value, details } = check(listProductsQuery, query, 'query')
  if (details !== undefined) throw new Error(JSON.stringify(details))
  return value
}

const list = async (query: Query) => listProducts(parse(query))

/** Returns the cursor after a number of pages, or of the last page of a shorter list. */
async function cursorAfter(query: Query, pages: number): Promise<string> {
  let cursor = ''
  for (let page = 0; page < pages; page += 1) {
    const part = await list({ ...query, cursor, limit: '5' })
    if (!('nextCursor' in part) || part.nextCursor === null) break
    cursor = part.nextCursor
  }
  return cursor
}

const filters: Record<string, Query> = {
  nothing: {},
  'a category': { category: 'c7' },
  'a word': { q: 'w77' },
  'words of which one is in every product': { q: 'thing w77' },
  'a word in every product': { q: 'thing' },
  'a lowest price': { minPrice: '999000' },
  'a highest price': { maxPrice: '900' },
  'a lowest price that nearly all have': { minPrice: '900' },
  'a range of prices': { minPrice: '500000', maxPrice: '500900' },
  'being in stock': { inStock: 'true' },
  'being out of stock': { inStock: 'false' },
  'an attribute': { 'attributes[color]': 'c7' },
  'a number as attribute': { 'attributes[weightGrams]': '77' },
  'a truth value as attribute': { 'attributes[refurbished]': 'true' },
  'two attributes': { 'attributes[color]': 'c7', 'attributes[weightGrams]': '87' },
  'a category and a price': { category: 'c7', maxPrice: '9000' },
  'a category, what is in stock, and a price': { category: 'c7', inStock: 'true', minPrice: '990000' },
  'a category and a word': { category: 'c7', q: 'w77' },
  'all of it': {
    category: 'c7',
    q: 'w1',
    inStock: 'true',
    minPrice: '1',
    maxPrice: '990000',
    'attributes[color]': 'c1',
  },
  'what no product has': { q: 'nowhere', 'attributes[color]': 'none' },
}
/** Filters that most products match: counting those requires reading the table. */
const BROAD = ['nothing', 'a word in every product', 'a lowest price that nearly all have', 'being in stock']
const sorts = ['name', 'priceCents', 'stock', 'createdAt'].flatMap((field) => [field, `-${field}`])
const cases = Object.keys(filters).flatMap((title) => ['', ...sorts].map((sort): [string, string] => [title, sort]))

describe('the list of products', () => {
  it.each(cases)('filtered by %s in the order "%s" uses indexes by page and by cursor', async (title, sort) => {
    const query = { ...filters[title], ...(sort !== '' && { sort }) }
    const counts = !BROAD.includes(title)
    for (const part of [{ page: '1' }, { page: '3' }, { cursor: '' }, { cursor: await cursorAfter(query, 20) }])
      await assertNoSeqScan(TABLES, () => list({ ...query, ...part }), { counts })
  })

  it.each(['', ...sorts])('reads no more rows far from its start in the order "%s"', async (sort) => {
    const query = sort === '' ? {} : { sort }
    const cost = async (cursor: string) => {
      const [keys] = await assertNoSeqScan(TABLES, () => list({ ...query, cursor, limit: '5' }))
      if (keys === undefined) throw new Error('No plan')
      return rowsRead(keys)
    }
    const far = await cursorAfter(query, 60)
    expect(far).not.toBe('')
    expect(await cost('')).toBeLessThan(50)
    expect(await cost(far)).toBeLessThanOrEqual((await cost('')) + 5)
  })

  it.each(Object.keys(filters))('filtered by %s is exported by index from any position', async (title) => {
    for (const afterId of [0, PRODUCTS / 2])
      await assertNoSeqScan(TABLES, () => findProductsAfter(parse(filters[title] ?? {}), afterId, 1_000))
  })
})
