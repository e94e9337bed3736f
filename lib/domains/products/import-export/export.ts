import { stringify } from 'csv-stringify/sync'
import { findProductsAfter } from './bulk-repository'
import { EXCHANGE_FIELDS, toCells } from './csv-format'
import type { Product, ProductFilters } from '@/lib/domains/products/schema'

/** How many rows are read at once, and about how much text may come of them. */
const BATCH_ROWS_MAX = 1_000
const BATCH_ROWS_MIN = 10
const BATCH_CHARACTERS = 100_000

/** How products are written, by media type. `quoted_match` keeps carriage returns from being taken for line ends. */
const FORMATS = {
  'application/x-ndjson': {
    header: '',
    write: (products: readonly Product[]) => products.map((product) => `${JSON.stringify(product)}\n`).join(''),
  },
  'text/csv': {
    header: `${EXCHANGE_FIELDS.join(',')}\n`,
    write: (products: readonly Product[]) => stringify(products.map(toCells), { quoted_match: /\r/ }),
  },
} as const

export type ExchangeFormat = keyof typeof FORMATS

/** The media types of imports and exports; the first is what an export is without a wish. */
export const EXCHANGE_FORMATS: readonly [ExchangeFormat, ...ExchangeFormat[]] = ['application/x-ndjson', 'text/csv']

/**
 * The products that fulfil the filters, in the order of their ids, as text to send. They are read in batches, each from
 * where the last one ended: whoever takes long to receive them holds neither a connection nor a transaction, and each
 * product is as it is when its batch is read.
 */
export async function* exportProducts(filters: ProductFilters, format: ExchangeFormat): AsyncGenerator<string> {
  const { header, write } = FORMATS[format]
  let start: string = header
  let lastId = 0
  let limit = BATCH_ROWS_MIN
  for (;;) {
    const products = await findProductsAfter(filters, lastId, limit)
    const last = products.at(-1)
    const text = start + write(products)
    if (text !== '') yield text
    if (last === undefined || products.length < limit) return
    start = ''
    lastId = last.id
    const wanted = Math.floor((limit * BATCH_CHARACTERS) / text.length)
    limit = Math.max(BATCH_ROWS_MIN, Math.min(BATCH_ROWS_MAX, wanted))
  }
}
