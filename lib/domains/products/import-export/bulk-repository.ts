import type { QueryConfig, QueryResultRow } from 'pg'
import { AppError } from '@/lib/errors'
import { isTransactionConflict } from '@/lib/platform/db/errors'
import { assertDatabaseReachable, databasePool } from '@/lib/platform/db/prisma'
import { Prisma } from '@/prisma/generated/client'
import { productConditions } from '@/lib/domains/products/where'
import { PRODUCT_COLUMNS } from '@/lib/domains/products/columns'
import type { NewProduct, Product, ProductFilters } from '@/lib/domains/products/schema'

/** Includes waiting for other writers' row locks. */
const BATCH_TIMEOUT_MS = 30_000
/** How often a running batch checks that the database is reachable. */
const PROBE_INTERVAL_MS = 1_000
const ATTEMPTS_MAX = 5

/** How long the event of an import whose process was killed is held back after its last batch. */
const EVENT_HOLD_SECONDS = 120

const CHANGED_COLUMNS = ['name', 'description', 'category', 'price_cents', 'currency', 'stock', 'attributes']
const SETS = CHANGED_COLUMNS.map((column) => `${column} = excluded.${column}`).join(', ')

/**
 * Existing rows are updated by id; only new rows go through INSERT, because ON CONFLICT would burn a sequence value per
 * row, and daily imports would exhaust the ids. Rows are locked by SKU, so that concurrent imports wait for each other
 * instead of deadlocking. Unchanged rows are not written.
 *
 * The event of the import counts, in the same transaction, what each batch did, and is held back until the import ends or
 * has not progressed for `EVENT_HOLD_SECONDS`.
 */
const UPSERT = `
WITH input AS (
  SELECT sku, name, description, category, "priceCents" AS price_cents, currency, stock, attributes
  FROM jsonb_to_recordset($1::jsonb) AS row(sku text, name text, description text, category text, "priceCents" int,
    currency text, stock int, attributes jsonb)
), existing AS MATERIALIZED (
  SELECT id, sku FROM products WHERE sku IN (SELECT sku FROM input) ORDER BY sku FOR UPDATE
), updated AS (
  UPDATE products AS product
  SET (${CHANGED_COLUMNS.join(', ')}, updated_at) = (${CHANGED_COLUMNS.map((column) => `input.${column}`).join(', ')}, now())
  FROM existing JOIN input ON input.sku = existing.sku
  WHERE product.id = existing.id
    AND (${CHANGED_COLUMNS.map((column) => `product.${column}`).join(', ')})
      IS DISTINCT FROM (${CHANGED_COLUMNS.map((column) => `input.${column}`).join(', ')})
), inserted AS (
  INSERT INTO products (sku, ${CHANGED_COLUMNS.join(', ')})
  SELECT sku, ${CHANGED_COLUMNS.join(', ')} FROM input
  WHERE NOT EXISTS (SELECT FROM existing WHERE existing.sku = input.sku) ORDER BY sku
  ON CONFLICT (sku) DO UPDATE SET ${SETS}, updated_at = now()
  RETURNING sku, xmax = 0 AS created
), counts AS (
  SELECT (SELECT count(*) FROM inserted WHERE created) AS created, (SELECT count(*) FROM input) AS total
), counted AS (
  UPDATE events SET held_until = now() + interval '${EVENT_HOLD_SECONDS} seconds', data = json_build_object(
    'created', (data->>'created')::bigint + counts.created,
    'updated', (data->>'updated')::bigint + counts.total - counts.created, 'failed', 0)
  FROM counts WHERE id = $2::bigint AND position IS NULL
  RETURNING id
), opened AS (
  INSERT INTO events (type, actor_id, subject_type, everyone, held_until, data)
  SELECT 'product.imported', $3::int, 'product', true, now() + interval '${EVENT_HOLD_SECONDS} seconds',
    json_build_object('created', created, 'updated', total - created, 'failed', 0)
  FROM counts WHERE NOT EXISTS (SELECT FROM counted)
  RETURNING id
)
SELECT counts.created::int AS created, (SELECT id FROM counted UNION ALL SELECT id FROM opened)::text AS "eventId"
FROM counts`

/** Runs a statement with a longer timeout than others have, but fails early when the database becomes unreachable. */
async function query<R extends QueryResultRow>(config: QueryConfig): Promise<R[]> {
  const withTimeout = { ...config, query_timeout: BATCH_TIMEOUT_MS }
  let probe: NodeJS.Timeout | undefined
  const unreachable = new Promise<never>((_resolve, reject) => {
    probe = setInterval(() => void assertDatabaseReachable().catch(reject), PROBE_INTERVAL_MS)
  })
  try {
    const { rows } = await Promise.race([databasePool().query<R>(withTimeout), unreachable])
    return rows
  } finally {
    clearInterval(probe)
  }
}

/** Returns whether PostgreSQL rejected the data: a value that it cannot store, or a violated constraint. */
function isDataRejected(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && /^(22|23|54)/.test(String(error.code))
}

/** An import: who runs it, and the id of its event; null before the first batch. */
export type ImportRun = { actorId: number | null; eventId: string | null }

/**
 * Upserts products by SKU in one statement. Returns the number of those created and the id of the event that counts them.
 * No SKU may occur twice.
 * @throws VALIDATION_ERROR when the database rejects a product; nothing is stored then
 */
export async function upsertProducts(
  products: readonly NewProduct[],
  { actorId, eventId }: ImportRun,
): Promise<{ created: number; eventId: string }> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      const values = [JSON.stringify(products), eventId, actorId]
      const [row] = await query<{ created: number; eventId: string }>({ name: 'upsert-products', text: UPSERT, values })
      if (row === undefined) throw new Error('The import statement returned nothing.')
      return row
    } catch (error) {
      if (isDataRejected(error))
        throw new AppError('VALIDATION_ERROR', { details: { line: ['cannot be stored'] }, cause: error })
      if (!isTransactionConflict(error) || attempt === ATTEMPTS_MAX) throw error
    }
  }
}

/** Returns up to `limit` products that match the filters, by id, starting after `afterId`. */
export async function findProductsAfter(filters: ProductFilters, afterId: number, limit: number): Promise<Product[]> {
  const conditions = [...productConditions(filters), Prisma.sql`"id" > ${afterId}`]
  const { text, values } = Prisma.sql`SELECT ${Prisma.raw(PRODUCT_COLUMNS)} FROM products
    WHERE ${Prisma.join(conditions, ' AND ')} ORDER BY id LIMIT ${limit}`
  return query<Product>({ text, values })
}
