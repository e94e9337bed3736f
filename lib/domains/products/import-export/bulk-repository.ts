import type { QueryConfig, QueryResultRow } from 'pg'
import { assertDatabaseReachable, databasePool } from '@/lib/platform/db/prisma'
import { Prisma } from '@/prisma/generated/client'
import { productConditions } from '@/lib/domains/products/where'
import { PRODUCT_COLUMNS } from '@/lib/domains/products/repository'
import type { NewProduct, Product, ProductFilters } from '@/lib/domains/products/schema'

/** What a batch may take while other writers hold rows of it. */
const BATCH_TIMEOUT_MS = 30_000
/** How often it is seen meanwhile whether the database still answers. */
const WATCH_INTERVAL_MS = 1_000
const ATTEMPTS_MAX = 5

const CHANGED_COLUMNS = ['name', 'description', 'category', 'price_cents', 'currency', 'stock', 'attributes']
const SETS = CHANGED_COLUMNS.map((column) => `${column} = excluded.${column}`).join(', ')

/**
 * Rows that are there are updated by their id, and only the others go through INSERT, which would take a number of the
 * sequence for every row, also for those that it then updates: daily imports would use the ids up. Rows are locked in
 * the order of their SKUs, so that imports at the same time wait for each other rather than deadlock. A row that says
 * nothing new is not written.
 */
const UPSERT = `
WITH input AS (
  SELECT sku, name, description, category, "priceCents" AS price_cents, currency, stock, attributes
  FROM jsonb_to_recordset($1::jsonb) AS row(sku text, name text, description text, category text, "priceCents" int,
    currency text, stock int, attributes jsonb)
), present AS MATERIALIZED (
  SELECT id, sku FROM products WHERE sku IN (SELECT sku FROM input) ORDER BY sku FOR UPDATE
), updated AS (
  UPDATE products AS product
  SET (${CHANGED_COLUMNS.join(', ')}, updated_at) = (${CHANGED_COLUMNS.map((column) => `input.${column}`).join(', ')}, now())
  FROM present JOIN input ON input.sku = present.sku
  WHERE product.id = present.id
    AND (${CHANGED_COLUMNS.map((column) => `product.${column}`).join(', ')})
      IS DISTINCT FROM (${CHANGED_COLUMNS.map((column) => `input.${column}`).join(', ')})
), inserted AS (
  INSERT INTO products (sku, ${CHANGED_COLUMNS.join(', ')})
  SELECT sku, ${CHANGED_COLUMNS.join(', ')} FROM input
  WHERE NOT EXISTS (SELECT FROM present WHERE present.sku = input.sku) ORDER BY sku
  ON CONFLICT (sku) DO UPDATE SET ${SETS}, updated_at = now()
  RETURNING sku, xmax = 0 AS created
)
SELECT sku FROM inserted WHERE created`

/** Sends a statement that may take longer than a request's others, unless the database falls silent meanwhile. */
async function query<R extends QueryResultRow>(config: QueryConfig): Promise<R[]> {
  const patient = { ...config, query_timeout: BATCH_TIMEOUT_MS }
  let watch: NodeJS.Timeout | undefined
  const silence = new Promise<never>((_resolve, reject) => {
    watch = setInterval(() => void assertDatabaseReachable().catch(reject), WATCH_INTERVAL_MS)
  })
  try {
    const { rows } = await Promise.race([databasePool().query<R>(patient), silence])
    return rows
  } finally {
    clearInterval(watch)
  }
}

function codeOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : ''
}

/** Whether PostgreSQL refuses a statement for what is in it: data that it cannot hold, or that breaks a constraint. */
export function isRefusedData(error: unknown): boolean {
  return /^(22|23|54)/.test(codeOf(error))
}

/** Whether the same statement may well pass when it is sent again: a deadlock, or a row that went meanwhile. */
function isTransient(error: unknown): boolean {
  return codeOf(error).startsWith('40')
}

/** Makes or replaces products, all or none; no SKU twice. The SKUs of those that were not there before. */
export async function upsertProducts(products: readonly NewProduct[]): Promise<Set<string>> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      const rows = await query<{ sku: string }>({
        name: 'upsert-products',
        text: UPSERT,
        values: [JSON.stringify(products)],
      })
      return new Set(rows.map(({ sku }) => sku))
    } catch (error) {
      if (!isTransient(error) || attempt === ATTEMPTS_MAX) throw error
    }
  }
}

/** The products that fulfil the filters, in the order of their ids, after one of them; at most `limit`. */
export async function findProductsAfter(filters: ProductFilters, afterId: number, limit: number): Promise<Product[]> {
  const conditions = [...productConditions(filters), Prisma.sql`"id" > ${afterId}`]
  const { text, values } = Prisma.sql`SELECT ${Prisma.raw(PRODUCT_COLUMNS)} FROM products
    WHERE ${Prisma.join(conditions, ' AND ')} ORDER BY id LIMIT ${limit}`
  return query<Product>({ text, values })
}
