import fc from 'fast-check'
import type { List, ListRequest, SortKey } from '@/lib/platform/pagination/query'

/** A value that a list is ordered by, as stored in the database. */
type Sortable = string | number | Date | null

/** A list under test, and its reference implementation. */
export type ListModel<Seed, Row extends Record<F | 'id', Sortable>, Query, F extends string> = {
  /** The input that a row is created from. */
  seed: fc.Arbitrary<Seed>
  /** Inserts rows. Returns them as stored. */
  add: (seeds: readonly Seed[]) => Promise<Row[]>
  /** Deletes rows. */
  remove: (rows: readonly Row[]) => Promise<unknown>
  /** Deletes all rows. */
  clear: () => Promise<unknown>
  /** The caller and the filters: everything that decides which rows are listed. */
  query: fc.Arbitrary<Query>
  isListed: (row: Row, query: Query) => boolean
  /** The fields that `sort` accepts. */
  fields: readonly F[]
  /** The default order; by id unless given. */
  order?: (a: Row, b: Row) => number
  read: (query: Query, request: ListRequest<F>) => Promise<List<{ id: number | string }>>
}

const MAX_ROWS = 25
/** More pages than the rows of a test can fill. */
const MAX_PARTS = 200
const direction = fc.constantFrom<'asc' | 'desc'>('asc', 'desc')

/** Compares by code point, nulls last. */
function compare(a: Sortable, b: Sortable): number {
  if (a === null || b === null) return Number(a === null) - Number(b === null)
  if (typeof a === 'string') return Buffer.compare(Buffer.from(a), Buffer.from(String(b)))
  return Number(a) - Number(b)
}

/** Returns a comparator by these fields and then by the id, in the direction of the last field. */
export function inOrder<const F extends string = never>(keys: readonly SortKey<F>[]) {
  const last = { field: 'id', direction: keys.at(-1)?.direction ?? 'asc' } as const
  return (a: Record<F | 'id', Sortable>, b: Record<F | 'id', Sortable>): number => {
    for (const { field, direction: way } of [...keys, last]) {
      const order = compare(a[field], b[field])
      if (order !== 0) return way === 'asc' ? order : -order
    }
    return 0
  }
}

/** Generates undefined, or some of the fields with a direction each. */
function sortOf<F extends string>(fields: readonly F[]): fc.Arbitrary<SortKey<F>[] | undefined> {
  if (fields.length === 0) return fc.constant(undefined)
  const keys = fc
    .shuffledSubarray([...fields], { minLength: 1 })
    .chain((chosen) => fc.tuple(...chosen.map((field) => fc.record({ field: fc.constant(field), direction }))))
  return fc.option(keys, { nil: undefined, freq: 4 })
}

type Id = number | string
type Read<F extends string> = (request: ListRequest<F>) => Promise<List<{ id: Id }>>

/** Reads a list by cursor, with the next of the limits for each page; `between` runs before each page but the first. */
async function walk<F extends string>(
  read: Read<F>,
  request: { sort?: SortKey<F>[]; limits: readonly number[] },
  between: () => Promise<unknown> = async () => {},
): Promise<Id[]> {
  const { limits, ...sort } = request
  const found: Id[] = []
  let cursor: string | null = ''
  for (let step = 0; cursor !== null; step += 1) {
    if (step > MAX_PARTS) throw new Error('Too many pages: the cursors do not end.')
    if (step > 0) await between()
    const limit = limits[step % limits.length] ?? 1
    const part: List<{ id: Id }> = await read({ ...sort, cursor, limit })
    if (!('nextCursor' in part)) throw new Error('A page that was read by cursor has no nextCursor.')
    expect(part.items.length).toBeLessThanOrEqual(limit)
    // Only the first page may be empty: following a cursor always returns items.
    if (part.nextCursor !== null) expect(part.items).toHaveLength(limit)
    found.push(...part.items.map(({ id }) => id))
    cursor = part.nextCursor
  }
  return found
}

/** Reads all pages of a list and the one after the last. Each must have the correct total. */
async function readPages<F extends string>(
  read: Read<F>,
  request: { sort?: SortKey<F>[]; limit: number },
  total: number,
): Promise<Id[]> {
  const found: Id[] = []
  for (let page = 1; page <= Math.ceil(total / request.limit) + 1; page += 1) {
    const part = await read({ ...request, page })
    expect(part).toHaveProperty('total', total)
    found.push(...part.items.map(({ id }) => id))
  }
  return found
}

/** Properties of a list for any rows, queries, orders and limits. A failure reports the seed that reproduces it. */
export type ListProperties = {
  /** Reading by page and by cursor returns the rows that the reference implementation filters and sorts. */
  matchReferenceImplementation: () => Promise<void>
  /** Reading by cursor returns every row that exists throughout exactly once, while other rows are added and deleted. */
  areStableUnderConcurrentWrites: () => Promise<void>
}

/** Returns the properties of a list. Each is checked `numRuns` times. */
export function listProperties<Seed, Row extends Record<F | 'id', Sortable> & { id: Id }, Query, F extends string>(
  model: ListModel<Seed, Row, Query, F>,
  { numRuns }: { numRuns: number },
): ListProperties {
  const limits = fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1, maxLength: 3, size: 'max' })
  // fast-check prefers small arrays, but a list of three rows has neither ties nor pages.
  const seeds = fc.array(model.seed, { maxLength: MAX_ROWS, size: 'max' })
  const ids = (rows: readonly Row[]) => rows.map(({ id }) => id)
  const orderOf = (sort: SortKey<F>[] | undefined) =>
    sort === undefined ? (model.order ?? inOrder([])) : inOrder(sort)
  const given = { query: model.query, sort: sortOf(model.fields), limits }

  async function start(rows: readonly Seed[]): Promise<Row[]> {
    await model.clear()
    return model.add(rows)
  }

  return {
    matchReferenceImplementation: async () => {
      const property = fc.asyncProperty(fc.record({ ...given, seeds }), async ({ query, sort, ...made }) => {
        const rows = await start(made.seeds)
        const read: Read<F> = (request) => model.read(query, request)
        const sorted = sort === undefined ? {} : { sort }
        const expected = ids(rows.filter((row) => model.isListed(row, query)).sort(orderOf(sort)))
        expect(await walk(read, { ...sorted, limits: made.limits })).toEqual(expected)
        const limit = made.limits[0] ?? 1
        expect(await readPages(read, { ...sorted, limit }, expected.length)).toEqual(expected)
      })
      await fc.assert(property, { numRuns })
    },

    areStableUnderConcurrentWrites: async () => {
      const change = fc.record({
        gone: fc.array(fc.nat(MAX_ROWS - 1), { maxLength: 3, size: 'max' }),
        come: fc.array(model.seed, { maxLength: 3, size: 'max' }),
      })
      const changes = fc.array(change, { maxLength: 10, size: 'max' })
      const property = fc.asyncProperty(fc.record({ ...given, seeds, changes }), async ({ query, sort, ...made }) => {
        const rows = await start(made.seeds)
        const all = [...rows]
        const removed = new Set<Row>()
        const waiting = made.changes.values()
        const between = async () => {
          const { gone = [], come = [] } = waiting.next().value ?? {}
          const leaving = new Set(gone.flatMap((index) => rows[index] ?? []).filter((row) => !removed.has(row)))
          leaving.forEach((row) => removed.add(row))
          await model.remove([...leaving])
          all.push(...(await model.add(come)))
        }
        const read: Read<F> = (request) => model.read(query, request)
        const found = await walk(read, { ...(sort && { sort }), limits: made.limits }, between)
        expect(new Set(found).size).toBe(found.length)
        const known = new Set(ids(all.filter((row) => model.isListed(row, query))))
        expect(found.filter((id) => !known.has(id))).toEqual([])
        const stayed = rows.filter((row) => !removed.has(row) && model.isListed(row, query))
        const isStayed = new Set(ids(stayed))
        expect(found.filter((id) => isStayed.has(id))).toEqual(ids(stayed.sort(orderOf(sort))))
      })
      await fc.assert(property, { numRuns: Math.ceil(numRuns / 2) })
    },
  }
}
