import { parse } from 'csv-parse/sync'
import { safeParse } from 'secure-json-parse'
import { validationError, type ErrorDetails } from '@/lib/errors'
import type { ExchangeFormat } from './export'
import { fromCells, isExchangeField, REQUIRED_FIELDS } from './csv-format'
import { splitLines } from './split-lines'

/** More than the largest product takes in either format, escapes included. */
const RECORD_MAX_BYTES = 262_144

/** One product of an import as it was sent, or what is wrong with the line as a whole. Lines count from 1. */
export type ImportRecord = { line: number } & (
  { value: unknown; sizeCharacters: number; details?: never } | { details: ErrorDetails }
)

type TextLine = { number: number; text: string }

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function fault(line: number, message: string): ImportRecord {
  return { line, details: { line: [message] } }
}

/** The lines of a stream as text; those that are none are told of. */
async function* readLines(source: AsyncIterable<Buffer>): AsyncGenerator<TextLine | ImportRecord> {
  for await (const { number, bytes } of splitLines(source, RECORD_MAX_BYTES)) {
    if (bytes === undefined) {
      yield fault(number, `must be ${RECORD_MAX_BYTES} bytes or fewer`)
      continue
    }
    let text: string | undefined
    try {
      text = utf8.decode(bytes)
    } catch {
      text = undefined
    }
    yield text === undefined ? fault(number, 'must be UTF-8') : { number, text }
  }
}

/** The products of an NDJSON stream, one a line; empty lines are passed over. */
export async function* readNdjson(source: AsyncIterable<Buffer>): AsyncGenerator<ImportRecord> {
  for await (const line of readLines(source)) {
    if (!('text' in line)) {
      yield line
    } else if (line.text.trim() !== '') {
      // `undefined` is no JSON; `null` is a key that would become a prototype, or JSON's null: neither is a product.
      const value: unknown = safeParse(line.text)
      yield value === undefined || value === null
        ? fault(line.number, 'must be a JSON object')
        : { line: line.number, value, sizeCharacters: line.text.length }
    }
  }
}

/** The cells of one CSV record (RFC 4180), or undefined where its quotes are wrong. */
function parseCells(given: string): string[] | undefined {
  const text = given.endsWith('\r') ? given.slice(0, -1) : given
  // Most records have no quotes, and nothing to parse: the parser takes thirty times as long to find that out.
  if (!text.includes('"')) return text.split(',')
  try {
    const rows: string[][] = parse(text, { record_delimiter: '\n', relax_column_count: true })
    return rows.length === 1 ? rows[0] : undefined
  } catch {
    return undefined
  }
}

/** VALIDATION_ERROR unless a header names columns that a product has, each once, and those that it must have. */
function checkHeader(cells: readonly string[] | undefined): string[] {
  if (cells === undefined) throw validationError({ header: ['must be one line of CSV'] })
  const columns = cells.map((cell) => cell.trim())
  const details = new Map<string, string[]>()
  for (const column of columns) {
    if (!isExchangeField(column)) details.set(column, ['is not a column of products'])
    else if (columns.indexOf(column) !== columns.lastIndexOf(column)) details.set(column, ['must be there once'])
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

/** The lines from this one on that make up a record: up to where every quote is closed. Undefined when one never is. */
function recordAt(lines: readonly TextLine[], start: number): { text: string; end: number } | undefined {
  let open = false
  for (let at = start; at < lines.length; at += 1) {
    if (hasOpenQuote(lines[at]?.text ?? '')) open = !open
    if (open) continue
    const part = lines.slice(start, at + 1)
    return { text: part.map(({ text }) => text).join('\n'), end: at + 1 }
  }
  return undefined
}

/**
 * The records in these lines. A field may hold line feeds between quotes, so that one quote too many reaches into the
 * lines after it: where no record comes of it, only its first line is bad, and reading goes on with the next.
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
    if (cells === undefined) yield fault(line.number, 'must have its quotes in pairs, as RFC 4180 has them')
    else if (cells.length !== columns.length) yield fault(line.number, `must have ${columns.length} columns`)
    else yield { line: line.number, value: fromCells(columns, cells), sizeCharacters: record?.text.length ?? 0 }
  }
}

/** The products of a CSV stream (RFC 4180), whose first line names the columns; empty lines are passed over. */
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
      columns = checkHeader(parseCells(line.text))
      continue
    }
    waiting.push(line)
    // With its line feed: empty lines between quotes are a part of the record, and would go on for ever.
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

/** The products of a stream in one of the formats of exports. */
export function readRecords(source: AsyncIterable<Buffer>, format: ExchangeFormat): AsyncGenerator<ImportRecord> {
  return format === 'text/csv' ? readCsv(source) : readNdjson(source)
}
