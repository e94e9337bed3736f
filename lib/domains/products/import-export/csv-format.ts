import { safeParse } from 'secure-json-parse'
import type { Product } from '@/lib/domains/products/schema'

/** The fields of a product in imports and exports: keys in NDJSON, columns in CSV. */
export const PRODUCT_FIELDS = [
  'id',
  'sku',
  'name',
  'description',
  'category',
  'priceCents',
  'currency',
  'stock',
  'attributes',
  'createdAt',
  'updatedAt',
] as const satisfies readonly (keyof Product)[]

type ProductField = (typeof PRODUCT_FIELDS)[number]

/** The columns that a CSV file must have. */
export const REQUIRED_FIELDS: readonly ProductField[] = ['sku', 'name', 'priceCents']

/** Returns whether a CSV column is a field of products. */
export function isProductField(column: string): column is ProductField {
  return PRODUCT_FIELDS.some((field) => field === column)
}

/**
 * Matches texts that spreadsheets would run as formulas, which can leak other cells (CSV injection). They are written with
 * a leading apostrophe, which is removed on import. Texts that already start with apostrophes get one more, so that every
 * text is read as it was written.
 */
const FORMULA = /^'*[=+\-@\t\r]/
const ESCAPED_FORMULA = /^'+[=+\-@\t\r]/

function toCell(value: Product[ProductField]): string {
  if (value === null) return ''
  if (value instanceof Date) return value.toISOString()
  if (typeof value === 'object') return JSON.stringify(value)
  return typeof value === 'string' && FORMULA.test(value) ? `'${value}` : String(value)
}

/** Formats a product as CSV cells, in the order of `PRODUCT_FIELDS`. */
export function toCells(product: Product): string[] {
  return PRODUCT_FIELDS.map((field) => toCell(product[field]))
}

function fromCell(column: string, cell: string): unknown {
  if (column === 'priceCents' || column === 'stock') return /^\d+$/.test(cell) ? Number(cell) : cell
  if (column !== 'attributes') return ESCAPED_FORMULA.test(cell) ? cell.slice(1) : cell
  // Invalid JSON, also with `__proto__` keys, stays text, which validation rejects.
  const value: unknown = safeParse(cell)
  return value ?? cell
}

/** Parses CSV cells as a product. Empty cells are omitted fields. */
export function fromCells(columns: readonly string[], cells: readonly string[]): Record<string, unknown> {
  const given = columns.flatMap((column, index): [string, unknown][] => {
    const cell = cells[index] ?? ''
    return cell === '' ? [] : [[column, fromCell(column, cell)]]
  })
  return Object.fromEntries(given)
}
