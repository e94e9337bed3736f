import type { ErrorDetails } from '@/lib/errors'
import { check } from '@/lib/validation'
import { isRefusedData, upsertProducts } from './bulk-repository'
import type { ImportRecord } from './import-parser'
import { importLine, type NewProduct } from '@/lib/domains/products/schema'
import { changeProducts } from '@/lib/domains/products/service'

const BATCH_LINES = 250
const BATCH_CHARACTERS = 1_000_000
const ERRORS_MAX = 100

/** What came of an import. `errors` are the first 100, in the order of the lines. */
export type ImportResult = {
  created: number
  updated: number
  failed: number
  errors: { line: number; details: ErrorDetails }[]
}

type GoodLine = { line: number; product: NewProduct }

/**
 * Makes or replaces products by their SKUs, one a record, as if one after the other: of two records with one SKU the
 * later counts. Records that are wrong are told of and stop nothing. What was read when the stream breaks off stays, in
 * whole batches; to send it all again leads to the same state.
 */
export async function importProducts(records: AsyncIterable<ImportRecord>): Promise<ImportResult> {
  const result: ImportResult = { created: 0, updated: 0, failed: 0, errors: [] }

  const refuse = (line: number, details: ErrorDetails) => {
    result.failed += 1
    result.errors.push({ line, details })
    result.errors.sort((one, other) => one.line - other.line).splice(ERRORS_MAX)
  }

  const write = async (lines: readonly GoodLine[]): Promise<void> => {
    const latest = new Map(lines.map(({ product }) => [product.sku, product]))
    if (latest.size === 0) return
    try {
      const created = await changeProducts(() => upsertProducts([...latest.values()]))
      result.created += created.size
      result.updated += lines.length - created.size
    } catch (error) {
      if (!isRefusedData(error)) throw error
      const [first] = lines
      if (lines.length === 1 && first !== undefined) {
        refuse(first.line, { line: ['cannot be stored'] })
        return
      }
      // What no check foresaw is somewhere in the batch; halves of it find the line.
      const half = Math.ceil(lines.length / 2)
      await write(lines.slice(0, half))
      await write(lines.slice(half))
    }
  }

  let batch: GoodLine[] = []
  let characters = 0
  let writing: Promise<unknown> = Promise.resolve()
  try {
    for await (const record of records) {
      if (record.details !== undefined) {
        refuse(record.line, record.details)
        continue
      }
      const checked = check(importLine, record.value, 'line')
      if (checked.details !== undefined) {
        refuse(record.line, checked.details)
        continue
      }
      batch.push({ line: record.line, product: checked.value })
      characters += record.sizeCharacters
      if (batch.length < BATCH_LINES && characters < BATCH_CHARACTERS) continue
      // One batch is written while the next is read.
      await writing
      const full = batch
      batch = []
      characters = 0
      writing = write(full)
      // Awaited above or below; until then a failure is nobody's unhandled rejection.
      writing.catch(() => undefined)
    }
    await writing
    await write(batch)
    return result
  } finally {
    await writing.catch(() => undefined)
  }
}
