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
