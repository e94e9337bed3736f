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
 * `unique`. Lists of long rows have `bytes`, the approximate size of a row, by which pages end early.
 */
export type ListSource<F extends string, I extends SortValue> = {
  name: string
  from: Prisma.Sql
  id: SortColumn<I>
  fields: Record<F, SortColumn>
  unique?: readonly F[]
  order?: readonly SortKey<F>[]
  bytes?: Prisma.Sql
}

/** The size of a page as JSON, beyond which it ends early. */
export const PAGE_BYTES_MAX = 1024 * 1024

/** JSON encodes a control character of one byte in six, `\u0001`. */
const JSON_GROWTH_MAX = 6

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

/** Adds the size of each row to the keys that `keys` selects, as `bytes`. */
function withBytes({ id, from, bytes }: ListSource<string, SortValue>, keys: Prisma.Sql, orderBy: readonly OrderBy[]) {
  if (bytes === undefined) return keys
  const idKey = Prisma.raw(`keys.k${orderBy.length - 1}`)
  const order = orderBy.map(({ direction }, index) => Prisma.raw(`keys.k${index} ${direction}`))
  return Prisma.sql`
    SELECT keys.*, (SELECT ${bytes} FROM ${from} WHERE ${id.expression} = ${idKey}) AS bytes
    FROM (${keys}) AS keys ORDER BY ${Prisma.join(order)}`
}

/** Returns the first items, at least one, that together have at most `PAGE_BYTES_MAX` bytes, and their size. */
function cutPage<T>(items: readonly T[], bytesOf: (item: T) => number): { items: T[]; bytes: number } {
  let bytes = 0
  const end = items.findIndex((item, index) => {
    const total = bytes + bytesOf(item)
    if (index > 0 && total > PAGE_BYTES_MAX) return true
    bytes = total
    return false
  })
  return { items: items.slice(0, end < 0 ? items.length : end), bytes }
}

/**
 * Fetches one page. Sort columns are read first (index-only where possible), then `rows` loads the full rows by id, in
 * any order.
 *
 * - `where`: conditions on the columns of `from`, which must all hold.
 * - `disjointBranches`: mutually exclusive conditions, of which one must hold. Each is queried and counted separately,
 *   because PostgreSQL would read more rows than match for an OR of them.
 * - A page by cursor costs the same anywhere in the list. A page by number costs the rows before it and a full count.
 * - A page ends early at about `PAGE_BYTES_MAX`: rows beyond are not read, and a cursor continues after the last item.
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
    prisma().$queryRaw<KeyRow[]>(withBytes(source, selectKeys(selection, orderBy, window), orderBy))

  const pageOf = async (keys: readonly KeyRow[]): Promise<{ items: T[]; cutAfter: KeyRow | undefined }> => {
    if (keys.length === 0) return { items: [], cutAfter: undefined }
    const idOf = (row: KeyRow) => source.id.parse(row[`k${orderBy.length - 1}`])
    const { items: fitting, bytes } = cutPage(keys, (row) => Number(row['bytes'] ?? 0))
    const ids = fitting.flatMap((row) => idOf(row) ?? [])
    const byId = new Map((await read.rows(ids)).map((row) => [read.getId(row), row]))
    const rows = ids.flatMap((id) => byId.get(id) ?? [])
    const mayGrow = bytes * JSON_GROWTH_MAX > PAGE_BYTES_MAX
    const { items } = mayGrow ? cutPage(rows, (row) => Buffer.byteLength(JSON.stringify(row))) : { items: rows }
    const last = items.at(-1)
    if (items.length < rows.length && last !== undefined) {
      return { items, cutAfter: fitting.find((row) => idOf(row) === read.getId(last)) }
    }
    return { items, cutAfter: fitting.length < keys.length ? fitting.at(-1) : undefined }
  }

  if (request.cursor !== undefined) {
    const start = request.cursor === '' ? {} : { after: valuesOf(request.cursor, name, orderBy) }
    const keys = await select({ limit: limit + 1, ...start })
    const { items, cutAfter } = await pageOf(keys.slice(0, limit))
    const last = cutAfter ?? (keys.length > limit ? keys[limit - 1] : undefined)
    return { items, nextCursor: last === undefined ? null : cursorAt(last, name, orderBy) }
  }

  const offset = ((request.page ?? 1) - 1) * limit
  if (offset > OFFSET_MAX) {
    const total = await countRows(selection)
    if (offset < total)
      throw validationError({ page: [`exceeds the maximum offset of ${OFFSET_MAX}; use cursor pagination instead`] })
    return { items: [], total }
  }
  const [{ items, cutAfter }, total] = await Promise.all([select({ limit, offset }).then(pageOf), countRows(selection)])
  if (cutAfter === undefined) return { items, total }
  return { items, total, continuation: cursorAt(cutAfter, name, orderBy) }
}

async function countRows(selection: Selection): Promise<number> {
  const counts = branchesOf(selection).map(
    (branch) => Prisma.sql`SELECT count(*) AS total FROM ${selection.from} WHERE ${allOf(branch)}`,
  )
  const rows = await prisma().$queryRaw<{ total: bigint }[]>(Prisma.join(counts, ' UNION ALL '))
  return rows.reduce((sum, { total }) => sum + Number(total), 0)
}
