import { check } from '@/lib/validation'
import { listUsers } from '@/lib/domains/users/repository'
import { listUsersQuery } from '@/lib/domains/users/schema'
import { assertNoSeqScan, load, rowsRead } from '../../../support/query-plans'

const ROWS = 101_000

async function list(query: Record<string, string>) {
  const { value, details } = check(listUsersQuery, query, 'query')
  if (details !== undefined) throw new Error(JSON.stringify(details))
  return listUsers(value)
}

/** Returns a cursor far from the start of a list. */
async function cursorAfterPages(query: Record<string, string>, pages: number): Promise<string> {
  let cursor = ''
  for (let page = 0; page < pages; page++) {
    const part = await list({ ...query, cursor, limit: '100' })
    if (!('nextCursor' in part) || part.nextCursor === null) throw new Error('The list is too short.')
    cursor = part.nextCursor
  }
  return cursor
}

/** Creates users: one in 500 is an admin, one in three has no name, names repeat. */
beforeAll(async () => {
  await load(
    'users',
    `INSERT INTO users (email, name, role, created_at)
     SELECT md5(n::text) || '@example.test',
            CASE WHEN n % 3 = 0 THEN NULL ELSE 'Name ' || md5((n % 20000)::text) END,
            CASE WHEN n % 500 = 0 THEN 'admin'::"Role" ELSE 'user'::"Role" END,
            timestamptz '2026-01-01' + (n % 50000) * interval '1 minute'
     FROM generate_series(1, $1::int) AS n`,
    [ROWS],
  )
}, 120_000)

const sorts = ['name', '-name', 'email', '-email', 'createdAt', '-createdAt', '-createdAt,name', 'createdAt,-email']
const filters: Record<string, string>[] = [{}, { role: 'user' }, { role: 'admin' }]
const orders = [undefined, ...sorts]
const lists = filters.flatMap((filter) => orders.map((sort) => ({ ...filter, ...(sort !== undefined && { sort }) })))

describe('the list of users', () => {
  it.each(lists)('uses indexes for %j by page and by cursor', async (query) => {
    const isRare = 'role' in query && query.role === 'admin'
    for (const part of [{ page: '1' }, { page: '20' }, { cursor: '' }])
      await assertNoSeqScan(['users'], () => list({ ...query, ...part }), { counts: isRare })
    const cursor = await cursorAfterPages(query, isRare ? 1 : 30)
    const [keys] = await assertNoSeqScan(['users'], () => list({ ...query, cursor }))
    expect(keys && rowsRead(keys)).toBeLessThan(100)
  })

  it('uses indexes for a sort by several fields with many ties', async () => {
    const query = { sort: 'name,-createdAt' }
    const cursor = await cursorAfterPages(query, 3)
    for (const part of [{ page: '1' }, { cursor }]) await assertNoSeqScan(['users'], () => list({ ...query, ...part }))
  })

  it('rejects a page beyond row 100,000', async () => {
    await expect(list({ page: '1002', limit: '100' })).rejects.toMatchObject({
      details: { page: [expect.any(String)] },
    })
    expect((await list({ page: '1001', limit: '100' })).items).toHaveLength(100)
  })

  it('finds and counts parts of words by index', async () => {
    for (const query of [{ q: 'abcdef' }, { q: 'ABCDEF', role: 'user' }, { q: '12345', sort: '-name' }])
      for (const part of [{ page: '1' }, { cursor: '' }])
        await assertNoSeqScan(['users'], () => list({ ...query, ...part }), { counts: true })
  })
})
