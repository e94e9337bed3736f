import type { Client } from 'pg'
import { BLOCK_PRODUCTS, productBlock } from './products'
import { BLOCK_PEOPLE, peopleBlock } from './users'

/**
 * Rows that are there stay as they are, and take no number of the sequence: a second run changes nothing. The others take
 * their ids in the order in which they are made.
 */
const INSERT_USERS = `
INSERT INTO users (email, name, email_verified, created_at, updated_at)
SELECT email, name, true, "createdAt", "createdAt"
FROM ROWS FROM (jsonb_to_recordset($1::jsonb) AS (email text, name text, "createdAt" timestamptz))
  WITH ORDINALITY AS row(email, name, "createdAt", position)
WHERE NOT EXISTS (SELECT FROM users WHERE users.email = row.email)
ORDER BY position
ON CONFLICT (email) DO NOTHING`

/** Spreads the products over the year 2025, each at a time of its own that depends on its number alone. */
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

/** What a table is filled with: rows made by the block, and the statement that writes a block ($1) from a number ($2) on. */
type Source = {
  table: 'users' | 'products'
  blockRows: number
  rows: (block: number) => object[]
  write: (client: Client, rows: readonly object[], first: number) => Promise<unknown>
}

const users: Source = {
  table: 'users',
  blockRows: BLOCK_PEOPLE,
  rows: peopleBlock,
  write: (client, rows) => client.query(INSERT_USERS, [JSON.stringify(rows)]),
}

const products: Source = {
  table: 'products',
  blockRows: BLOCK_PRODUCTS,
  rows: productBlock,
  write: (client, rows, first) => client.query(INSERT_PRODUCTS, [JSON.stringify(rows), first]),
}

/** The first `count` rows of a table's seed; `onProgress` is told how many are done. */
async function fill(client: Client, source: Source, count: number, onProgress: (done: number) => void): Promise<void> {
  const { blockRows } = source
  let writing: Promise<unknown> = Promise.resolve()
  for (let first = 0; first < count; first += blockRows) {
    // One block is written while the next is made.
    const rows = source.rows(first / blockRows).slice(0, count - first)
    await writing
    onProgress(first)
    writing = source.write(client, rows, first)
    // Awaited above or below; until then a failure is nobody's unhandled rejection.
    writing.catch(() => undefined)
    // Lets the statement leave before the next block takes the processor.
    await new Promise((resolve) => setImmediate(resolve))
  }
  await writing
  onProgress(count)
  // The planner should know at once what autovacuum would find out in a minute.
  await client.query(`ANALYZE "${source.table}"`)
}

/** Users of the seed, at least as many. */
export async function fillUsers(client: Client, count: number, onProgress: (done: number) => void): Promise<void> {
  await fill(client, users, count, onProgress)
}

/** Products of the seed, at least as many. */
export async function fillProducts(client: Client, count: number, onProgress: (done: number) => void): Promise<void> {
  await fill(client, products, count, onProgress)
}
