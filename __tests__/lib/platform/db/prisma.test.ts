import { config, setConfig } from '@/lib/config'
import { isDatabaseUnavailable } from '@/lib/platform/db/errors'
import { databasePool, disconnect, prisma } from '@/lib/platform/db/prisma'
import { inTransaction } from '@/lib/platform/db/transaction'
import { dropDatabase, createDatabase } from '../../../support/databases'
import { makeSession, makeUser } from '../../../support/factories'
import { queryOnce } from '../../../support/postgres'

describe('a database that lives in another time zone', () => {
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

  it('keeps the times that were meant', async () => {
    const startedAt = Date.now()
    const user = await makeUser()
    expect(Math.abs(user.createdAt.getTime() - startedAt)).toBeLessThan(60_000)
    await makeSession(user)
    const [row] = await prisma().$queryRaw<{ lastsSeconds: number }[]>`
      SELECT extract(epoch FROM expires_at - now())::int AS "lastsSeconds" FROM sessions WHERE user_id = ${user.id}`
    expect(Math.abs((row?.lastsSeconds ?? 0) - original.refreshTokenTtlSeconds)).toBeLessThan(60)
  })
})

describe('a query that takes too long', () => {
  it('is given up together with its transaction and its connection, into which nobody else gets', async () => {
    const startedAt = performance.now()
    const work = inTransaction(async () => {
      await makeUser()
      await prisma().$queryRaw`SELECT pg_sleep(8)::text`
    })
    const error: unknown = await work.catch((thrown: unknown) => thrown)
    expect(isDatabaseUnavailable(error)).toBe(true)
    expect(performance.now() - startedAt).toBeLessThan(4_000)
    const users = await Promise.all(Array.from({ length: 20 }, () => makeUser()))
    expect(performance.now() - startedAt).toBeLessThan(5_000)
    const visible = await queryOnce(config().databaseUrl ?? '', 'SELECT id FROM users WHERE id = ANY($1)', [
      users.map(({ id }) => id),
    ])
    expect(visible).toHaveLength(users.length)
  })
})
