import { Prisma } from '@/prisma/generated/client'

/** A value of a column that a list is ordered by; a time is ISO 8601 with milliseconds. */
export type KeyValue = string | number

/**
 * A column that a list can be ordered by. `parse` makes the value out of what the database or a cursor gives, undefined
 * where it is none.
 */
export type Key<T extends KeyValue = KeyValue> = {
  expression: Prisma.Sql
  type: Prisma.Sql
  nullable: boolean
  parse: (value: unknown) => T | undefined
}

/** A column and its direction. Nulls come last where it ascends and first where it descends, as PostgreSQL's indexes do. */
export type Step = { key: Key; direction: 'asc' | 'desc' }

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

type Options = { nullable?: boolean }

/** `int` or `bigint`, within the integers that a number holds exactly. */
export function integerKey(sql: string, { nullable = false }: Options = {}): Key<number> {
  const parse = (value: unknown) => {
    const number = typeof value === 'bigint' ? Number(value) : value
    return typeof number === 'number' && Number.isSafeInteger(number) ? number : undefined
  }
  return { expression: Prisma.raw(sql), type: Prisma.raw('bigint'), nullable, parse }
}

/**
 * `text`, by code point: `COLLATE "C"` is the same order on every server and system, whatever the database's collation
 * is. The index that serves the order must say `COLLATE "C"` too.
 */
export function textKey(sql: string, { nullable = false }: Options = {}): Key<string> {
  const parse = (value: unknown) => (typeof value === 'string' ? value : undefined)
  return { expression: Prisma.raw(`(${sql} COLLATE "C")`), type: Prisma.raw('text'), nullable, parse }
}

/** `timestamptz(3)`, which a Date holds exactly. */
export function timestampKey(sql: string, { nullable = false }: Options = {}): Key<string> {
  const parse = (value: unknown) => {
    const time = value instanceof Date || typeof value === 'string' ? new Date(value) : undefined
    return time === undefined || Number.isNaN(time.getTime()) ? undefined : time.toISOString()
  }
  return { expression: Prisma.raw(sql), type: Prisma.raw('timestamptz'), nullable, parse }
}

/** `uuid`. */
export function uuidKey(sql: string): Key<string> {
  const parse = (value: unknown) => (typeof value === 'string' && UUID.test(value) ? value : undefined)
  return { expression: Prisma.raw(sql), type: Prisma.raw('uuid'), nullable: false, parse }
}

/** A pattern for LIKE or ILIKE that fits whatever has these characters in it; `%` and `_` are characters like any other. */
export function containing(characters: string): string {
  return `%${characters.replace(/[\\%_]/g, '\\$&')}%`
}

/** What stands after ORDER BY. */
export function orderBy(steps: readonly Step[]): Prisma.Sql {
  const words = { asc: Prisma.raw('ASC'), desc: Prisma.raw('DESC') }
  return Prisma.join(steps.map(({ key, direction }) => Prisma.sql`${key.expression} ${words[direction]}`))
}

/** Conditions that must all hold. */
export function allOf(conditions: readonly Prisma.Sql[]): Prisma.Sql {
  return conditions.length === 0 ? Prisma.sql`TRUE` : Prisma.join([...conditions], ' AND ')
}

function cast(key: Key, value: KeyValue): Prisma.Sql {
  return Prisma.sql`${value}::${key.type}`
}

/** Where the values stand alone in a direction: one comparison of rows, which is one range of an index. */
function rowComparison(steps: readonly Step[], values: readonly KeyValue[]): Prisma.Sql[] {
  const left = Prisma.join(steps.map(({ key }) => key.expression))
  const right = Prisma.join(steps.map(({ key }, index) => cast(key, values[index] ?? '')))
  if (steps[0]?.direction === 'desc') return [Prisma.sql`(${left}) < (${right})`]
  // A comparison with null is never true; those rows come last among those that are equal before them.
  const nulls = steps.flatMap(({ key }, at) => {
    if (!key.nullable) return []
    const before = steps.slice(0, at).map((step, index) => equals(step.key, values[index] ?? ''))
    return [allOf([...before, Prisma.sql`${key.expression} IS NULL`])]
  })
  return [Prisma.sql`(${left}) > (${right})`, ...nulls]
}

function equals(key: Key, value: KeyValue | null): Prisma.Sql {
  return value === null ? Prisma.sql`${key.expression} IS NULL` : Prisma.sql`${key.expression} = ${cast(key, value)}`
}

/** The ranges of one column alone that lie after a value. */
function afterValue({ key, direction }: Step, value: KeyValue | null): Prisma.Sql[] {
  if (value === null) return direction === 'asc' ? [] : [Prisma.sql`${key.expression} IS NOT NULL`]
  if (direction === 'desc') return [Prisma.sql`${key.expression} < ${cast(key, value)}`]
  const after = Prisma.sql`${key.expression} > ${cast(key, value)}`
  return key.nullable ? [after, Prisma.sql`${key.expression} IS NULL`] : [after]
}

/**
 * The rows after a row with these values, as conditions that exclude each other. Each is one range of an index on the
 * order's columns. Joined by OR they would not be: PostgreSQL reads an index from its start then, and drops what comes
 * before the cursor row by row; so they are queried apart and put together (see `selectKeys`).
 */
export function rangesAfter(steps: readonly Step[], values: readonly (KeyValue | null)[]): Prisma.Sql[] {
  const [step, ...laterSteps] = steps
  const [value = null, ...laterValues] = values
  if (step === undefined) return []
  const present = values.filter((item) => item !== null)
  if (present.length === values.length && steps.every(({ direction }) => direction === step.direction))
    return rowComparison(steps, present)
  const ties = rangesAfter(laterSteps, laterValues).map((range) => allOf([equals(step.key, value), range]))
  return [...ties, ...afterValue(step, value)]
}

/**
 * Selects the order's columns, as `k0`, `k1` …, of at most `limit` rows in order, after a row with these values. `parts`
 * are conditions that exclude each other, of which one must hold: each is queried apart, as one range of an index.
 */
export function selectKeys(
  source: { from: Prisma.Sql; where: readonly Prisma.Sql[]; parts?: readonly Prisma.Sql[] },
  steps: readonly Step[],
  part: { limit: number; offset?: number; after?: readonly (KeyValue | null)[] },
): Prisma.Sql {
  const { limit, offset = 0, after } = part
  const columns = Prisma.join(
    steps.map(({ key }, index) => Prisma.sql`${key.expression} AS ${Prisma.raw(`k${index}`)}`),
  )
  const range = (conditions: readonly Prisma.Sql[]) =>
    Prisma.sql`SELECT ${columns} FROM ${source.from} WHERE ${allOf(conditions)} ORDER BY ${orderBy(steps)} LIMIT ${limit + offset}`
  const conditions = after === undefined ? [[]] : rangesAfter(steps, after).map((condition) => [condition])
  const parts = source.parts?.map((condition) => [condition]) ?? [[]]
  const ranges = parts.flatMap((chosen) => conditions.map((after) => range([...source.where, ...chosen, ...after])))
  const [only] = ranges
  if (only !== undefined && ranges.length === 1 && offset === 0) return only
  const outer = steps.map(({ key, direction }, index) => ({
    key: { ...key, expression: Prisma.raw(`k${index}`) },
    direction,
  }))
  const union = Prisma.join(
    ranges.map((each) => Prisma.sql`(${each})`),
    ' UNION ALL ',
  )
  return Prisma.sql`SELECT * FROM (${union}) AS part ORDER BY ${orderBy(outer)} LIMIT ${limit} OFFSET ${offset}`
}
