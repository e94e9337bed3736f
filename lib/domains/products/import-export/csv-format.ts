import { safeParse } from 'secure-json-parse'
import type { Product } from '@/lib/domains/products/schema'

/** The fields of a product in imports and exports: keys in NDJSON, columns in CSV. */
export const EXCHANGE_FIELDS = [
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

type ExchangeField = (typeof EXCHANGE_FIELDS)[number]

/** Without these columns no line of a CSV file could be good. */
export const REQUIRED_FIELDS: readonly ExchangeField[] = ['sku', 'name', 'priceCents']

/** Whether a CSV column is one of a product. */
export function isExchangeField(column: string): column is ExchangeField {
  return EXCHANGE_FIELDS.some((field) => field === column)
}

/**
 * What spreadsheets take for a formula, which could send other cells elsewhere. Such a text is written with an
 * apostrophe before it, as spreadsheets do, and read without it. Texts that begin with apostrophes before such a
 * character get and lose one more, so that every text is read as it was written.
 */
const FORMULA = /^'*[=+\-@\t\r]/
const ESCAPED_FORMULA = /^'+[=+\-@\t\r]/

function toCell(value: Product[ExchangeField]): string {
  if (value === null) return ''
  if (value instanceof Date) return value.toISOString()
  if (typeof value === 'object') return JSON.stringify(value)
  return typeof value === 'string' && FORMULA.test(value) ? `'${value}` : String(value)
}

/** A product as the cells of a CSV line, in the order of `EXCHANGE_FIELDS`. */
export function toCells(product: Product): string[] {
  return EXCHANGE_FIELDS.map((field) => toCell(product[field]))
}

function fromCell(column: string, cell: string): unknown {
  if (column === 'priceCents' || column === 'stock') return /^\d+$/.test(cell) ? Number(cell) : cell
  if (column !== 'attributes') return ESCAPED_FORMULA.test(cell) ? cell.slice(1) : cell
  // What is no JSON, or reaches for a prototype, stays text, which no attributes are.
  const value: unknown = safeParse(cell)
  return value ?? cell
}

/** The cells of a CSV line as a product; an empty cell is one that was left out. */
export function fromCells(columns: readonly string[], cells: readonly string[]): Record<string, unknown> {
  const given = columns.flatMap((column, index): [string, unknown][] => {
    const cell = cells[index] ?? ''
    return cell === '' ? [] : [[column, fromCell(column, cell)]]
  })
  return Object.fromEntries(given)
}
