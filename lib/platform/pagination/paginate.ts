import { Prisma } from '@/prisma/generated/client'
import { decodeCursor, encodeCursor, type CursorValues } from './cursor'
import { validationError } from '@/lib/errors'
import { allOf, branchesOf, selectKeys, type OrderBy, type Selection, type SortColumn, type SortValue } from './keyset'
import { OFFSET_MAX, type List, type ListRequest, type SortKey } from './query'
import { prisma } from '@/lib/platform/db/prisma'

/**
 * A list that can be paginated. `name` binds cursors to the list. `from` is the FROM clause: a table, or tables joined
 * one to one. `fields` are the columns that `sort` accepts; `order` is the default order. Every order is made unique by
 * the id, in the direction of the field before it so that one index serves both directions, unless it contains a field in
 * `unique`.
 */
export type ListSource<F extends string, I extends SortValue> = {
  name: string
  from: Prisma.Sql
  id: SortColumn<I>
  fields: Record<F, SortColumn>
  unique?: readonly F[]
  order?: readonly SortKey<F>[]
}

function orderByOf<F extends string, I extends SortValue>(
  source: ListSource<F, I>,
  sort: readonly SortKey<F>[],
): { orderBy: OrderBy[]; name: string } {
  const end = sort.findIndex(({ field }) => source.unique?.includes(field) ?? false)
  const keys = end < 0 ? sort : sort.slice(0, end + 1)
  const orderBy: OrderBy[] = keys.map(({ field, direction }) => ({ column: source.fields[field], direction }))
  orderBy.push({ column: source.id, direction: keys.at(-1)?.direction ?? 'asc' })
  const words = keys.map(({ field, direction }) => (direction === 'desc' ? `-${field}` : field))
  return { orderBy, name: [source.name, ...words].join() }
}

function valuesOf(cursor: string, name: string, orderBy: readonly OrderBy[]): (SortValue | null)[] {
  const invalidCursor = () => validationError({ cursor: ['is not a valid cursor for this list and sort order'] })
  const decoded = decodeCursor(name, cursor)
  if (decoded?.length !== orderBy.length) throw invalidCursor()
  return orderBy.map(({ column }, index) => {
    const value = decoded[index] ?? null
    if (value === null && column.nullable) return null
    const parsed = column.parse(value)
    if (parsed === undefined) throw invalidCursor()
    return parsed
  })
}

type KeyRow = Record<string, unknown>

function cursorAt(row: KeyRow, name: string, orderBy: readonly OrderBy[]): string {
  const values: CursorValues = orderBy.map(({ column }, index) => column.parse(row[`k${index}`]) ?? null)
  return encodeCursor(name, values)
}

/**
 * Fetches one page. Sort columns are read first (index-only where possible), then `rows` loads the full rows by id, in
 * any order.
 *
 * - `where`: conditions on the columns of `from`, which must all hold.
 * - `disjointBranches`: mutually exclusive conditions, of which one must hold. Each is queried and counted separately,
 *   because PostgreSQL would read more rows than match for an OR of them.
 * - A page by cursor costs the same anywhere in the list. A page by number costs the rows before it and a full count.
 *
 * @throws VALIDATION_ERROR when the cursor is not of this list and order, or an existing page begins beyond `OFFSET_MAX`
 */
export async function paginate<F extends string, I extends SortValue, T>(
  source: ListSource<F, I>,
  request: ListRequest<F>,
  read: {
    where?: readonly Prisma.Sql[]
    disjointBranches?: readonly Prisma.Sql[]
    rows: (ids: I[]) => Promise<T[]>
    getId: (row: T) => I
  },
): Promise<List<T>> {
  const { orderBy, name } = orderByOf(source, request.sort ?? source.order ?? [])
  const { limit } = request
  const selection = { from: source.from, where: read.where ?? [], disjointBranches: read.disjointBranches }
  const select = (window: Parameters<typeof selectKeys>[2]) =>
    prisma().$queryRaw<KeyRow[]>(selectKeys(selection, orderBy, window))

  const itemsOf = async (keys: readonly KeyRow[]): Promise<T[]> => {
    if (keys.length === 0) return []
    const ids = keys.flatMap((row) => source.id.parse(row[`k${orderBy.length - 1}`]) ?? [])
    const byId = new Map((await read.rows(ids)).map((row) => [read.getId(row), row]))
    return ids.flatMap((id) => byId.get(id) ?? [])
  }

  if (request.cursor !== undefined) {
    const start = request.cursor === '' ? {} : { after: valuesOf(request.cursor, name, orderBy) }
    const keys = await select({ limit: limit + 1, ...start })
    const last = keys[limit - 1]
    const nextCursor = last !== undefined && keys.length > limit ? cursorAt(last, name, orderBy) : null
    return { items: await itemsOf(keys.slice(0, limit)), nextCursor }
  }

  const offset = ((request.page ?? 1) - 1) * limit
  if (offset > OFFSET_MAX) {
    const total = await countRows(selection)
    if (offset < total)
      throw validationError({ page: [`exceeds the maximum offset of ${OFFSET_MAX}; use cursor pagination instead`] })
    return { items: [], total }
  }
  const [items, total] = await Promise.all([select({ limit, offset }).then(itemsOf), countRows(selection)])
  return { items, total }
}

async function countRows(selection: Selection): Promise<number> {
  const counts = branchesOf(selection).map(
    (branch) => Prisma.sql`SELECT count(*) AS total FROM ${selection.from} WHERE ${allOf(branch)}`,
  )
  const rows = await prisma().$queryRaw<{ total: bigint }[]>(Prisma.join(counts, ' UNION ALL '))
  return rows.reduce((sum, { total }) => sum + Number(total), 0)
}
