import { Prisma } from '@/prisma/generated/client'

/** The value of a sort column; a time is ISO 8601 with milliseconds. */
export type SortValue = string | number

/** A column that a list can be sorted by. `parse` converts a value of the database or a cursor; undefined if invalid. */
export type SortColumn<T extends SortValue = SortValue> = {
  expression: Prisma.Sql
  type: Prisma.Sql
  nullable: boolean
  parse: (value: unknown) => T | undefined
}

/** A column and its direction. Nulls sort last when ascending and first when descending, like PostgreSQL's indexes. */
export type OrderBy = { column: SortColumn; direction: 'asc' | 'desc' }

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

type Options = { nullable?: boolean }

/** Declares an `int` or `bigint` column; its values must be safe integers. */
export function integerColumn(sql: string, { nullable = false }: Options = {}): SortColumn<number> {
  const parse = (value: unknown) => {
    const number = typeof value === 'bigint' ? Number(value) : value
    return typeof number === 'number' && Number.isSafeInteger(number) ? number : undefined
  }
  return { expression: Prisma.raw(sql), type: Prisma.raw('bigint'), nullable, parse }
}

/**
 * Declares a `text` column, sorted by code point: unlike other collations, `COLLATE "C"` is the same on every system. The
 * index must use `COLLATE "C"` too.
 */
export function textColumn(sql: string, { nullable = false }: Options = {}): SortColumn<string> {
  const parse = (value: unknown) => (typeof value === 'string' ? value : undefined)
  return { expression: Prisma.raw(`(${sql} COLLATE "C")`), type: Prisma.raw('text'), nullable, parse }
}

/** Declares a `timestamptz(3)` column; more precision would be lost in a Date. */
export function timestampColumn(sql: string, { nullable = false }: Options = {}): SortColumn<string> {
  const parse = (value: unknown) => {
    const time = value instanceof Date || typeof value === 'string' ? new Date(value) : undefined
    return time === undefined || Number.isNaN(time.getTime()) ? undefined : time.toISOString()
  }
  return { expression: Prisma.raw(sql), type: Prisma.raw('timestamptz'), nullable, parse }
}

/** Declares a `uuid` column. */
export function uuidColumn(sql: string): SortColumn<string> {
  const parse = (value: unknown) => (typeof value === 'string' && UUID.test(value) ? value : undefined)
  return { expression: Prisma.raw(sql), type: Prisma.raw('uuid'), nullable: false, parse }
}

/** Returns the LIKE or ILIKE pattern of texts that contain `text`, with `%` and `_` escaped. */
export function containing(text: string): string {
  return `%${text.replace(/[\\%_]/g, '\\$&')}%`
}

/** Returns the list of expressions after ORDER BY. */
function orderBySql(orderBy: readonly OrderBy[]): Prisma.Sql {
  const keywords = { asc: Prisma.raw('ASC'), desc: Prisma.raw('DESC') }
  return Prisma.join(orderBy.map(({ column, direction }) => Prisma.sql`${column.expression} ${keywords[direction]}`))
}

/** Joins conditions by AND. */
export function allOf(conditions: readonly Prisma.Sql[]): Prisma.Sql {
  return conditions.length === 0 ? Prisma.sql`TRUE` : Prisma.join([...conditions], ' AND ')
}

function cast(column: SortColumn, value: SortValue): Prisma.Sql {
  return Prisma.sql`${value}::${column.type}`
}

/** Returns the conditions for a single direction and no nulls: a row comparison, which is one index range. */
function rowComparison(orderBy: readonly OrderBy[], values: readonly SortValue[]): Prisma.Sql[] {
  const left = Prisma.join(orderBy.map(({ column }) => column.expression))
  const right = Prisma.join(orderBy.map(({ column }, index) => cast(column, values[index] ?? '')))
  if (orderBy[0]?.direction === 'desc') return [Prisma.sql`(${left}) < (${right})`]
  // A row comparison never matches nulls, which sort after all values of their column.
  const nulls = orderBy.flatMap(({ column }, at) => {
    if (!column.nullable) return []
    const before = orderBy.slice(0, at).map((earlier, index) => equals(earlier.column, values[index] ?? ''))
    return [allOf([...before, Prisma.sql`${column.expression} IS NULL`])]
  })
  return [Prisma.sql`(${left}) > (${right})`, ...nulls]
}

function equals(column: SortColumn, value: SortValue | null): Prisma.Sql {
  const { expression } = column
  return value === null ? Prisma.sql`${expression} IS NULL` : Prisma.sql`${expression} = ${cast(column, value)}`
}

function afterValue({ column, direction }: OrderBy, value: SortValue | null): Prisma.Sql[] {
  const { expression, nullable } = column
  if (value === null) return direction === 'asc' ? [] : [Prisma.sql`${expression} IS NOT NULL`]
  if (direction === 'desc') return [Prisma.sql`${expression} < ${cast(column, value)}`]
  const after = Prisma.sql`${expression} > ${cast(column, value)}`
  return nullable ? [after, Prisma.sql`${expression} IS NULL`] : [after]
}

/**
 * Returns the keyset predicate: mutually exclusive conditions that together select the rows after the cursor. Each is one
 * range of an index on the sort columns. Joined by OR, PostgreSQL would scan the index from its start and filter row by
 * row, so `selectKeys` queries each separately.
 */
function rangesAfter(orderBy: readonly OrderBy[], values: readonly (SortValue | null)[]): Prisma.Sql[] {
  const [first, ...rest] = orderBy
  const [value = null, ...restValues] = values
  if (first === undefined) return []
  const present = values.filter((item) => item !== null)
  if (present.length === values.length && orderBy.every(({ direction }) => direction === first.direction))
    return rowComparison(orderBy, present)
  const ties = rangesAfter(rest, restValues).map((range) => allOf([equals(first.column, value), range]))
  return [...ties, ...afterValue(first, value)]
}

/** The rows of a list; `disjointBranches` are mutually exclusive conditions, of which one must hold. */
export type Selection = {
  from: Prisma.Sql
  where: readonly Prisma.Sql[]
  disjointBranches?: readonly Prisma.Sql[] | undefined
}

/** Returns the conditions of each branch of the UNION ALL. */
export function branchesOf({ where, disjointBranches }: Selection): Prisma.Sql[][] {
  return disjointBranches?.map((branch) => [...where, branch]) ?? [[...where]]
}

/**
 * Selects the sort columns, as `k0`, `k1` …, of at most `limit` rows in order, after a row with the values `after`. Each
 * branch is queried separately, so that each reads one range of an index.
 */
export function selectKeys(
  selection: Selection,
  orderBy: readonly OrderBy[],
  window: { limit: number; offset?: number; after?: readonly (SortValue | null)[] },
): Prisma.Sql {
  const { limit, offset = 0, after } = window
  const columns = Prisma.join(
    orderBy.map(({ column }, index) => Prisma.sql`${column.expression} AS ${Prisma.raw(`k${index}`)}`),
  )
  const range = (conditions: readonly Prisma.Sql[]) =>
    Prisma.sql`SELECT ${columns} FROM ${selection.from} WHERE ${allOf(conditions)} ORDER BY ${orderBySql(orderBy)} LIMIT ${limit + offset}`
  const rangesAfterCursor = after === undefined ? [[]] : rangesAfter(orderBy, after).map((condition) => [condition])
  const ranges = branchesOf(selection).flatMap((branch) =>
    rangesAfterCursor.map((condition) => range([...branch, ...condition])),
  )
  const [only] = ranges
  if (only !== undefined && ranges.length === 1 && offset === 0) return only
  const outer = orderBy.map(({ column, direction }, index) => ({
    column: { ...column, expression: Prisma.raw(`k${index}`) },
    direction,
  }))
  const union = Prisma.join(
    ranges.map((each) => Prisma.sql`(${each})`),
    ' UNION ALL ',
  )
  return Prisma.sql`SELECT * FROM (${union}) AS branches ORDER BY ${orderBySql(outer)} LIMIT ${limit} OFFSET ${offset}`
}
