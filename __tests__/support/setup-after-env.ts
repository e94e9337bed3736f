import { closePasswordPool } from '@/lib/platform/crypto/password'
import { disconnect } from '@/lib/platform/db/prisma'
import { disconnectRedis } from '@/lib/platform/redis'
import { createDatabase } from './databases'
import { drainUnexpectedLogLines, watchLog } from './log'

beforeAll(async () => {
  watchLog()
  await createDatabase(`worker_${process.env['JEST_WORKER_ID'] ?? '1'}`)
})

afterEach(() => {
  expect(drainUnexpectedLogLines()).toEqual([])
})

afterAll(async () => {
  await closePasswordPool()
  await disconnectRedis()
  await disconnect()
})
