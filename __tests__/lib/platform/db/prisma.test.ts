import { config, setConfig } from '@/lib/config'
import { isDatabaseUnavailable } from '@/lib/platform/db/errors'
import { databasePool, disconnect, prisma } from '@/lib/platform/db/prisma'
import { inTransaction } from '@/lib/platform/db/transaction'
import { dropDatabase, createDatabase } from '../../../support/databases'
import { waitFor } from '../../../support/wait'
import { createSession, createUser } from '../../../support/factories'
import { queryOnce } from '../../../support/postgres'

describe('a database with another time zone', () => {
  const original = config()
  const name = `tokyo_${process.env['JEST_WORKER_ID'] ?? '1'}`

  beforeAll(async () => {
    const databaseUrl = await createDatabase(name)
    await databasePool().query(`ALTER DATABASE "${name}" SET timezone = 'Asia/Tokyo'`)
    await disconnect()
    setConfig({ ...original, databaseUrl })
  })

  afterAll(async () => {
    await disconnect()
    setConfig(original)
    await dropDatabase(name)
  })

  it('stores and reads correct times', async () => {
    const startedAt = Date.now()
    const user = await createUser()
    expect(Math.abs(user.createdAt.getTime() - startedAt)).toBeLessThan(60_000)
    await createSession(user)
    const [row] = await prisma().$queryRaw<{ lastsSeconds: number }[]>`
      SELECT extract(epoch FROM expires_at - now())::int AS "lastsSeconds" FROM sessions WHERE user_id = ${user.id}`
    expect(Math.abs((row?.lastsSeconds ?? 0) - original.refreshTokenTtlSeconds)).toBeLessThan(60)
  })
})

describe('a statement that times out', () => {
  it('ends in PostgreSQL with its transaction, and the pool stays usable', async () => {
    const work = inTransaction(async () => {
      await createUser()
      await prisma().$queryRaw`SELECT pg_sleep(60)::text`
    })
    const error: unknown = await work.catch((thrown: unknown) => thrown)
    expect(isDatabaseUnavailable(error)).toBe(true)
    const url = config().databaseUrl ?? ''
    await waitFor('the end of the statement', async () => {
      const running = await queryOnce(
        url,
        "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND state = 'active' AND query LIKE '%pg_sleep(60)%' AND pid <> pg_backend_pid()",
      )
      return running.length === 0
    })
    const users = await Promise.all(Array.from({ length: 20 }, () => createUser()))
    const visible = await queryOnce(url, 'SELECT id FROM users WHERE id = ANY($1)', [users.map(({ id }) => id)])
    expect(visible).toHaveLength(users.length)
  })
})

describe('prepared statements', () => {
  it('are created for repeated SQL texts only', async () => {
    await inTransaction(async () => {
      const stored = async () => {
        const [row] = await prisma().$queryRaw<{ total: number }[]>`
          SELECT count(*)::int AS total FROM pg_prepared_statements`
        return row?.total ?? 0
      }
      await stored()
      await stored()
      const before = await stored()
      for (let index = 0; index < 50; index += 1) await prisma().$queryRawUnsafe(`SELECT ${index} AS "once${index}"`)
      expect(await stored()).toBe(before)
      for (let round = 0; round < 3; round += 1) await prisma().$queryRawUnsafe('SELECT 1 AS "repeated"')
      expect(await stored()).toBe(before + 1)
    })
  })
})

describe('a prepared statement that a change of the schema has made stale', () => {
  const table = `stale_${process.env['JEST_WORKER_ID'] ?? '1'}`
  const text = `SELECT value FROM ${table}`
  const alter = (type: string) => queryOnce(config().databaseUrl ?? '', `ALTER TABLE ${table} ALTER value TYPE ${type}`)

  beforeAll(() => queryOnce(config().databaseUrl ?? '', `CREATE TABLE ${table} AS SELECT 1 AS value`))
  afterAll(() => queryOnce(config().databaseUrl ?? '', `DROP TABLE ${table}`))

  it('is prepared again outside of a transaction, on every connection', async () => {
    const read = async () => (await databasePool().query({ name: 'stale', text })).rows[0]
    const readAll = () => Promise.all(Array.from({ length: 20 }, read))
    await readAll()
    await alter('smallint')
    expect(await readAll()).toEqual(Array.from({ length: 20 }, () => ({ value: 1 })))
  })

  it('repeats the transaction', async () => {
    let attempts = 0
    const read = () =>
      inTransaction(async () => {
        attempts += 1
        return prisma().$queryRawUnsafe(text)
      })
    for (let round = 0; round < 30; round += 1) await read()
    await alter('integer')
    attempts = 0
    expect(await read()).toEqual([{ value: 1 }])
    expect(attempts).toBe(2)
  })
})

describe('a connection that PostgreSQL terminates between two queries', () => {
  it('fails the transaction as unavailable and leaves the pool', async () => {
    const url = config().databaseUrl ?? ''
    const work = inTransaction(async () => {
      const [row] = await prisma().$queryRaw<{ pid: number }[]>`SELECT pg_backend_pid() AS pid`
      await queryOnce(url, 'SELECT pg_terminate_backend($1)', [row?.pid])
      await waitFor('the end of the backend', async () => {
        const found = await queryOnce(url, 'SELECT FROM pg_stat_activity WHERE pid = $1', [row?.pid])
        return found.length === 0
      })
      await createUser()
    })
    const error: unknown = await work.catch((thrown: unknown) => thrown)
    expect(isDatabaseUnavailable(error)).toBe(true)
    await Promise.all(Array.from({ length: 20 }, () => createUser()))
  })

  it('closes connections on which PostgreSQL has become read-only', async () => {
    const pids = new Set<unknown>()
    const attempt = inTransaction(async () => {
      const [row] = await prisma().$queryRaw<{ pid: number }[]>`
        SELECT pg_backend_pid() AS pid, set_config('transaction_read_only', 'on', true)`
      pids.add(row?.pid)
      await createUser()
    })
    expect(isDatabaseUnavailable(await attempt.catch((thrown: unknown) => thrown))).toBe(true)
    const { rows } = await databasePool().query<{ pid: number }>('SELECT pg_backend_pid() AS pid')
    expect(pids.has(rows[0]?.pid)).toBe(false)
  })
})
