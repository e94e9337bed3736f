import { parse } from 'csv-parse/sync'
import { safeParse } from 'secure-json-parse'
import { validationError, type ErrorDetails } from '@/lib/errors'
import type { ProductMediaType } from '@/lib/domains/products/schema'
import { fromCells, isProductField, REQUIRED_FIELDS } from './csv-format'
import { splitLines } from './split-lines'
import { inTimeSlices } from './time-slices'

/** Larger than any valid product in either format, including escapes. */
const RECORD_MAX_BYTES = 262_144

/** An unvalidated product of an import, or the errors of its line. Line numbers start at 1. */
export type ImportRecord = { line: number; sizeCharacters: number } & (
  { value: unknown; details?: never } | { value?: never; details: ErrorDetails }
)

type TextLine = { number: number; text: string }

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function invalid(line: number, message: string): ImportRecord {
  return { line, sizeCharacters: 0, details: { line: [message] } }
}

/** Decodes lines as UTF-8; undecodable lines are yielded as errors. */
async function* readLines(source: AsyncIterable<Buffer>): AsyncGenerator<TextLine | ImportRecord> {
  for await (const { number, bytes } of inTimeSlices(splitLines(source, RECORD_MAX_BYTES))) {
    if (bytes === undefined) {
      yield invalid(number, `must not exceed ${RECORD_MAX_BYTES} bytes`)
      continue
    }
    let text: string | undefined
    try {
      text = utf8.decode(bytes)
    } catch {
      text = undefined
    }
    yield text === undefined ? invalid(number, 'must be UTF-8') : { number, text }
  }
}

/** Yields the products of an NDJSON stream, one per line. Skips empty lines. */
export async function* readNdjson(source: AsyncIterable<Buffer>): AsyncGenerator<ImportRecord> {
  for await (const line of readLines(source)) {
    if (!('text' in line)) {
      yield line
    } else if (line.text.trim() !== '') {
      // `undefined`: not JSON; `null`: JSON's null, or a `__proto__` key.
      const value: unknown = safeParse(line.text)
      yield value === undefined || value === null
        ? invalid(line.number, 'must be a JSON object')
        : { line: line.number, value, sizeCharacters: line.text.length }
    }
  }
}

/** Parses the cells of one CSV record (RFC 4180), or returns undefined when its quotes are unbalanced. */
function parseCells(record: string): string[] | undefined {
  const text = record.endsWith('\r') ? record.slice(0, -1) : record
  // Most records have no quotes; splitting them is thirty times as fast as the parser.
  if (!text.includes('"')) return text.split(',')
  try {
    const rows: string[][] = parse(text, { record_delimiter: '\n', relax_column_count: true })
    return rows.length === 1 ? rows[0] : undefined
  } catch {
    return undefined
  }
}

/**
 * Returns the columns of a header.
 * @throws VALIDATION_ERROR when a column is unknown, repeated or missing
 */
function columnsOf(cells: readonly string[] | undefined): string[] {
  if (cells === undefined) throw validationError({ header: ['must be a single line of CSV'] })
  const columns = cells.map((cell) => cell.trim())
  const details = new Map<string, string[]>()
  for (const column of columns) {
    if (!isProductField(column)) details.set(column, ['is not a column of products'])
    else if (columns.indexOf(column) !== columns.lastIndexOf(column)) details.set(column, ['must not be repeated'])
  }
  for (const column of REQUIRED_FIELDS) if (!columns.includes(column)) details.set(column, ['is required'])
  if (details.size > 0) throw validationError(Object.fromEntries(details))
  return columns
}

function hasOpenQuote(text: string): boolean {
  let open = false
  for (let at = text.indexOf('"'); at >= 0; at = text.indexOf('"', at + 1)) open = !open
  return open
}

/** Returns the record that starts at a line and ends where its quotes are closed, or undefined if they never are. */
function recordAt(lines: readonly TextLine[], start: number): { text: string; end: number } | undefined {
  let open = false
  for (let at = start; at < lines.length; at += 1) {
    if (hasOpenQuote(lines[at]?.text ?? '')) open = !open
    if (open) continue
    const texts = lines.slice(start, at + 1).map(({ text }) => text)
    return { text: texts.join('\n'), end: at + 1 }
  }
  return undefined
}

/**
 * Yields the records in some lines. Quoted fields may contain line feeds, so an unbalanced quote also affects the lines
 * after it: then only its first line is reported, and parsing resumes with the next.
 */
function* takeRecords(lines: readonly TextLine[], columns: readonly string[]): Generator<ImportRecord> {
  for (let at = 0, [line] = lines; line !== undefined; line = lines[at]) {
    if (line.text.trim() === '') {
      at += 1
      continue
    }
    const record = recordAt(lines, at)
    const cells = record && parseCells(record.text)
    at = record === undefined || cells === undefined ? at + 1 : record.end
    if (cells === undefined) yield invalid(line.number, 'has unbalanced quotes (RFC 4180)')
    else if (cells.length !== columns.length) yield invalid(line.number, `must have ${columns.length} columns`)
    else yield { line: line.number, value: fromCells(columns, cells), sizeCharacters: record?.text.length ?? 0 }
  }
}

/** Yields the products of a CSV stream (RFC 4180), whose first line names the columns. Skips empty lines. */
export async function* readCsv(source: AsyncIterable<Buffer>): AsyncGenerator<ImportRecord> {
  let columns: string[] | undefined
  let waiting: TextLine[] = []
  let open = false
  let size = 0
  for await (const line of readLines(source)) {
    if (!('text' in line)) {
      yield line
      continue
    }
    if (!open && line.text.trim() === '') continue
    if (columns === undefined) {
      columns = columnsOf(parseCells(line.text))
      continue
    }
    waiting.push(line)
    // Line feeds count too: otherwise any number of empty lines could follow an unclosed quote.
    size += line.text.length + 1
    if (hasOpenQuote(line.text)) open = !open
    if (open && size <= RECORD_MAX_BYTES) continue
    yield* takeRecords(waiting, columns)
    waiting = []
    open = false
    size = 0
  }
  if (columns !== undefined) yield* takeRecords(waiting, columns)
}

/** Yields the products of a stream. */
export function readRecords(source: AsyncIterable<Buffer>, type: ProductMediaType): AsyncGenerator<ImportRecord> {
  return type === 'text/csv' ? readCsv(source) : readNdjson(source)
}
