import type { Client } from 'pg'
import { PRODUCTS_PER_BLOCK, productBlock } from './products'
import { USERS_PER_BLOCK, userBlock } from './users'

/**
 * Skips existing rows before they consume an id of the sequence, so a second run changes nothing; new rows get their ids
 * in the order of generation.
 */
const INSERT_USERS = `
INSERT INTO users (email, name, email_verified, created_at, updated_at)
SELECT email, name, true, "createdAt", "createdAt"
FROM ROWS FROM (jsonb_to_recordset($1::jsonb) AS (email text, name text, "createdAt" timestamptz))
  WITH ORDINALITY AS row(email, name, "createdAt", position)
WHERE NOT EXISTS (SELECT FROM users WHERE users.email = row.email)
ORDER BY position
ON CONFLICT (email) DO NOTHING`

/** Spreads the products over the year 2025, each at a different time that depends only on its number. */
const CREATED_AT = `timestamptz '2025-01-01T00:00:00Z' + ($2 + position - 1) * 7919 % 31536000 * interval '1 second'`

const INSERT_PRODUCTS = `
INSERT INTO products (sku, name, description, category, price_cents, currency, stock, attributes, created_at, updated_at)
SELECT sku, name, description, category, "priceCents", currency, stock, attributes, ${CREATED_AT}, ${CREATED_AT}
FROM ROWS FROM (jsonb_to_recordset($1::jsonb) AS (sku text, name text, description text, category text,
  "priceCents" int, currency text, stock int, attributes jsonb)) WITH ORDINALITY AS row(sku, name, description,
  category, "priceCents", currency, stock, attributes, position)
WHERE NOT EXISTS (SELECT FROM products WHERE products.sku = row.sku)
ORDER BY position
ON CONFLICT (sku) DO NOTHING`

/** The rows of a table, generated in blocks, and the function that inserts a block; `first` is the number of its first row. */
type Source = {
  table: 'users' | 'products'
  rowsPerBlock: number
  rows: (block: number) => object[]
  insert: (client: Client, rows: readonly object[], first: number) => Promise<unknown>
}

const users: Source = {
  table: 'users',
  rowsPerBlock: USERS_PER_BLOCK,
  rows: userBlock,
  insert: (client, rows) => client.query(INSERT_USERS, [JSON.stringify(rows)]),
}

const products: Source = {
  table: 'products',
  rowsPerBlock: PRODUCTS_PER_BLOCK,
  rows: productBlock,
  insert: (client, rows, first) => client.query(INSERT_PRODUCTS, [JSON.stringify(rows), first]),
}

/** Inserts the first `count` seed rows of a table; calls `onProgress` with the number of rows done. */
async function fill(client: Client, source: Source, count: number, onProgress: (done: number) => void): Promise<void> {
  const { rowsPerBlock } = source
  let inserting: Promise<unknown> = Promise.resolve()
  for (let first = 0; first < count; first += rowsPerBlock) {
    // Insert one block while the next is generated.
    const rows = source.rows(first / rowsPerBlock).slice(0, count - first)
    await inserting
    onProgress(first)
    inserting = source.insert(client, rows, first)
    // Awaited above or below; prevents an unhandled rejection until then.
    inserting.catch(() => undefined)
    // Send the statement before generating the next block occupies the event loop.
    await new Promise((resolve) => setImmediate(resolve))
  }
  await inserting
  onProgress(count)
  // Update the planner's statistics now instead of waiting for autovacuum.
  await client.query(`ANALYZE "${source.table}"`)
}

/** Ensures that at least the first `count` seed users exist. */
export async function fillUsers(client: Client, count: number, onProgress: (done: number) => void): Promise<void> {
  await fill(client, users, count, onProgress)
}

/** Ensures that at least the first `count` seed products exist. */
export async function fillProducts(client: Client, count: number, onProgress: (done: number) => void): Promise<void> {
  await fill(client, products, count, onProgress)
}
