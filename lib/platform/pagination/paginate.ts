import { Prisma } from '@/prisma/generated/client'
import { decodeCursor, encodeCursor, type CursorValues } from './cursor'
import { validationError } from '@/lib/errors'
import { allOf, selectKeys, type Key, type KeyValue, type Step } from './keyset'
import { OFFSET_MAX, type List, type ListRequest, type SortKey } from './query'
import { prisma } from '@/lib/platform/db/prisma'

/**
 * How the rows of a list are found and put in order. `name` binds cursors to the list. `from` is what stands after FROM:
 * a table, or tables joined one to one. `fields` are what `sort` may name; `order` is the order without a `sort`. Every
 * order ends in the id, in the direction of the step before it, so that one index serves both directions. A field in
 * `unique` needs no further step.
 */
export type ListSource<F extends string, I extends KeyValue> = {
  name: string
  from: Prisma.Sql
  id: Key<I>
  fields: Record<F, Key>
  unique?: readonly F[]
  order?: readonly SortKey<F>[]
}

function orderByOf<F extends string, I extends KeyValue>(
  source: ListSource<F, I>,
  sort: readonly SortKey<F>[],
): { steps: Step[]; name: string } {
  const end = sort.findIndex(({ field }) => source.unique?.includes(field) ?? false)
  const chosen = end < 0 ? sort : sort.slice(0, end + 1)
  const steps: Step[] = chosen.map(({ field, direction }) => ({ key: source.fields[field], direction }))
  steps.push({ key: source.id, direction: chosen.at(-1)?.direction ?? 'asc' })
  const words = chosen.map(({ field, direction }) => (direction === 'desc' ? `-${field}` : field))
  return { steps, name: [source.name, ...words].join() }
}

function valuesOf(cursor: string, name: string, steps: readonly Step[]): (KeyValue | null)[] {
  const wrong = () => validationError({ cursor: ['must be empty or the nextCursor of this list in this order'] })
  const decoded = decodeCursor(name, cursor)
  if (decoded?.length !== steps.length) throw wrong()
  return steps.map(({ key }, index) => {
    const value = decoded[index] ?? null
    if (value === null && key.nullable) return null
    const parsed = key.parse(value)
    if (parsed === undefined) throw wrong()
    return parsed
  })
}

type KeyRow = Record<string, unknown>

function cursorAt(row: KeyRow, name: string, steps: readonly Step[]): string {
  const values: CursorValues = steps.map(({ key }, index) => key.parse(row[`k${index}`]) ?? null)
  return encodeCursor(name, values)
}

/**
 * Reads the part of a list that a query asks for. The order's columns come first, from the index alone where it can
 * be; then `rows` reads the rows with those ids, in any order, by whatever means: `findMany` with relations or SQL.
 *
 * - `where`: conditions on the columns of `from` that must all hold.
 * - `parts`: conditions that exclude each other, of which one must hold. Each is read and counted apart, where an OR of
 *   them would read rows of which none holds.
 * - By cursor, a page costs the same wherever it lies. By number it costs the rows before it and a count of all;
 *   VALIDATION_ERROR for a page that begins beyond `OFFSET_MAX` in a list that reaches so far.
 * - VALIDATION_ERROR for a cursor that is not of this list and order.
 */
export async function paginate<F extends string, I extends KeyValue, T>(
  source: ListSource<F, I>,
  request: ListRequest<F>,
  read: {
    where?: readonly Prisma.Sql[]
    parts?: readonly Prisma.Sql[]
    rows: (ids: I[]) => Promise<T[]>
    getId: (row: T) => I
  },
): Promise<List<T>> {
  const { steps, name } = orderByOf(source, request.sort ?? source.order ?? [])
  const { limit } = request
  const selected = {
    from: source.from,
    where: read.where ?? [],
    ...(read.parts !== undefined && { parts: read.parts }),
  }
  const select = (part: Parameters<typeof selectKeys>[2]) =>
    prisma().$queryRaw<KeyRow[]>(selectKeys(selected, steps, part))

  const itemsOf = async (keys: readonly KeyRow[]): Promise<T[]> => {
    if (keys.length === 0) return []
    const ids = keys.flatMap((row) => source.id.parse(row[`k${steps.length - 1}`]) ?? [])
    const byId = new Map((await read.rows(ids)).map((row) => [read.getId(row), row]))
    return ids.flatMap((id) => byId.get(id) ?? [])
  }

  if (request.cursor !== undefined) {
    const start = request.cursor === '' ? {} : { after: valuesOf(request.cursor, name, steps) }
    const keys = await select({ limit: limit + 1, ...start })
    const last = keys[limit - 1]
    const nextCursor = last !== undefined && keys.length > limit ? cursorAt(last, name, steps) : null
    return { items: await itemsOf(keys.slice(0, limit)), nextCursor }
  }

  const offset = ((request.page ?? 1) - 1) * limit
  if (offset > OFFSET_MAX) {
    const total = await countRows(selected)
    if (offset < total)
      throw validationError({ page: [`must not begin beyond row ${OFFSET_MAX}; a cursor goes further`] })
    return { items: [], total }
  }
  const [items, total] = await Promise.all([select({ limit, offset }).then(itemsOf), countRows(selected)])
  return { items, total }
}

async function countRows(selected: {
  from: Prisma.Sql
  where: readonly Prisma.Sql[]
  parts?: readonly Prisma.Sql[]
}): Promise<number> {
  const parts = selected.parts?.map((condition) => [condition]) ?? [[]]
  const counts = parts.map(
    (chosen) =>
      Prisma.sql`SELECT count(*) AS total FROM ${selected.from} WHERE ${allOf([...selected.where, ...chosen])}`,
  )
  const rows = await prisma().$queryRaw<{ total: bigint }[]>(Prisma.join(counts, ' UNION ALL '))
  return rows.reduce((sum, { total }) => sum + Number(total), 0)
}
