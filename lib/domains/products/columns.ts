/** The columns of a product in SQL, in the order of the contract. */
export const PRODUCT_COLUMNS = `id, sku, name, description, category, price_cents AS "priceCents", currency, stock,
  attributes, created_at AS "createdAt", updated_at AS "updatedAt"`
