import { stringify } from 'csv-stringify/sync'
import { recordEvent } from '@/lib/domains/audit/service'
import { isAppError, type ErrorDetails } from '@/lib/errors'
import { finishImport } from '@/lib/domains/events/service'
import { importLine, type ImportResult, type NewProduct, type Product } from '@/lib/domains/products/schema'
import type { ProductFilters, ProductMediaType } from '@/lib/domains/products/schema'
import { writeProducts } from '@/lib/domains/products/service'
import type { Actor, ClientInfo } from '@/lib/platform/identity/actor'
import { check } from '@/lib/validation'
import * as repository from './bulk-repository'
import { PRODUCT_FIELDS, toCells } from './csv-format'
import { readRecords } from './import-parser'
import { inTimeSlices } from './time-slices'

/** Bounds of a batch that is written. */
const BATCH_LINES = 250
const BATCH_CHARACTERS = 1_000_000
const ERRORS_MAX = 100

/** Bounds of a batch that is read, and its approximate size as text. */
const READ_ROWS_MIN = 10
const READ_ROWS_MAX = 1_000
const READ_CHARACTERS = 100_000

type ValidLine = { line: number; product: NewProduct }

/**
 * Upserts products by SKU. If a SKU occurs twice, the later line wins. Invalid lines are reported and skipped. When the
 * stream breaks off, the batches before are stored; sending everything again leads to the same state. The counts are recorded
 * in the audit in both cases.
 * @throws VALIDATION_ERROR when the header of a CSV file is invalid
 */
export async function importProducts(
  actor: Actor,
  { source, mediaType }: { source: AsyncIterable<Buffer>; mediaType: ProductMediaType },
  client: ClientInfo,
): Promise<ImportResult> {
  let eventId: string | null = null
  const result: ImportResult = { created: 0, updated: 0, failed: 0, errors: [] }

  // Lines arrive in order, except those that the database rejects or that follow an unclosed quote.
  const reject = (line: number, details: ErrorDetails) => {
    result.failed += 1
    const index = result.errors.findLastIndex((error) => error.line < line) + 1
    if (index >= ERRORS_MAX) return
    result.errors.splice(index, 0, { line, details })
    result.errors.splice(ERRORS_MAX)
  }

  const write = async (lines: readonly ValidLine[]): Promise<void> => {
    const [first] = lines
    if (first === undefined) return
    const latest = new Map(lines.map(({ product }) => [product.sku, product]))
    try {
      const written = await writeProducts(() =>
        repository.upsertProducts([...latest.values()], { actorId: actor.userId, eventId }),
      )
      const { created } = written
      eventId = written.eventId
      result.created += created
      result.updated += lines.length - created
    } catch (error) {
      if (!isAppError(error) || error.code !== 'VALIDATION_ERROR') throw error
      if (lines.length === 1) return reject(first.line, error.details ?? {})
      // Bisect the batch to isolate the line that the database rejected.
      const half = Math.ceil(lines.length / 2)
      await write(lines.slice(0, half))
      await write(lines.slice(half))
    }
  }

  let batch: ValidLine[] = []
  let characters = 0
  let writing: Promise<unknown> = Promise.resolve()
  try {
    for await (const record of inTimeSlices(readRecords(source, mediaType))) {
      const checked = record.details === undefined ? check(importLine, record.value, 'line') : record
      if (checked.details !== undefined) {
        reject(record.line, checked.details)
        continue
      }
      batch.push({ line: record.line, product: checked.value })
      characters += record.sizeCharacters
      if (batch.length < BATCH_LINES && characters < BATCH_CHARACTERS) continue
      // One batch is written while the next is read.
      await writing
      writing = write(batch)
      // Rejections are handled where `writing` is awaited; until then they must not count as unhandled.
      writing.catch(() => undefined)
      batch = []
      characters = 0
    }
    await writing
    await write(batch)
    return result
  } finally {
    await writing.catch(() => undefined)
    // Otherwise it is published when the hold ends, with the counts of the batches.
    if (eventId !== null) await finishImport(eventId, result).catch(() => undefined)
    const { created, updated, failed } = result
    const details = { created, updated, failed }
    await recordEvent({ action: 'products_imported', actorId: actor.userId, client, details })
  }
}

/** How products are written, by media type. `quoted_match`: an unquoted carriage return would read as a line end. */
const WRITERS: Record<ProductMediaType, { header: string; write: (products: readonly Product[]) => string }> = {
  'application/x-ndjson': {
    header: '',
    write: (products) => products.map((product) => `${JSON.stringify(product)}\n`).join(''),
  },
  'text/csv': {
    header: `${PRODUCT_FIELDS.join(',')}\n`,
    write: (products) => stringify(products.map(toCells), { quoted_match: /\r/ }),
  },
}

/**
 * Yields the products that match the filters as text, by id. Each batch is a query of its own, so that a slow client holds
 * neither a connection nor a transaction; each product is as it was when its batch was read.
 */
export async function* exportProducts(filters: ProductFilters, mediaType: ProductMediaType): AsyncGenerator<string> {
  const { header, write } = WRITERS[mediaType]
  let start = header
  let lastId = 0
  let limit = READ_ROWS_MIN
  for (;;) {
    const products = await repository.findProductsAfter(filters, lastId, limit)
    const last = products.at(-1)
    const text = start + write(products)
    if (text !== '') yield text
    if (last === undefined || products.length < limit) return
    start = ''
    lastId = last.id
    limit = Math.max(READ_ROWS_MIN, Math.min(READ_ROWS_MAX, Math.floor((limit * READ_CHARACTERS) / text.length)))
  }
}
