import { settings, useSettings } from '@/lib/config'
import { databasePool, disconnect, prisma } from '@/lib/prisma'
import { dropDatabase, makeDatabase } from '../support/databases'
import { makeSession, makeUser } from '../support/factories'

describe('a database that lives in another time zone', () => {
  const original = settings()
  const name = `tokyo_${process.env['JEST_WORKER_ID'] ?? '1'}`

  beforeAll(async () => {
    const databaseUrl = await makeDatabase(name)
    await databasePool().query(`ALTER DATABASE "${name}" SET timezone = 'Asia/Tokyo'`)
    await disconnect()
    useSettings({ ...original, databaseUrl })
  })

  afterAll(async () => {
    await disconnect()
    useSettings(original)
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
