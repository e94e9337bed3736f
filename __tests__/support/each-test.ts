import { closePasswordPool } from '@/lib/auth/password'
import { disconnect } from '@/lib/prisma'
import { disconnectRedis } from '@/lib/redis'
import { makeDatabase } from './databases'
import { takeUnexpectedLines, watchLog } from './log'

beforeAll(async () => {
  watchLog()
  await makeDatabase(`worker_${process.env['JEST_WORKER_ID'] ?? '1'}`)
})

afterEach(() => {
  expect(takeUnexpectedLines()).toEqual([])
})

afterAll(async () => {
  await closePasswordPool()
  await disconnectRedis()
  await disconnect()
})
