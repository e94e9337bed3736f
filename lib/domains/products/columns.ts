/**
 * The columns of a product in SQL, in the order of the contract. `pg` parses float8 as a number, but bigint as a string:
 * with the cast, this version also runs while the next one's migration has widened a column.
 */
export const PRODUCT_COLUMNS = `id, sku, name, description, category, price_cents::float8 AS "priceCents", currency,
  stock::float8 AS stock, attributes, created_at AS "createdAt", updated_at AS "updatedAt"`
