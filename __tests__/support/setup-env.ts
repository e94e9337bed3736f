import { join } from 'node:path'
import { databaseUrl } from './databases'

/** The settings of the code under test. The database is created before the first test of the file. */
Object.assign(process.env, {
  NODE_ENV: 'test',
  DATABASE_URL: databaseUrl(`worker_${process.env['JEST_WORKER_ID'] ?? '1'}`),
  DATABASE_POOL_MAX: '5',
  DATA_DIR: join(process.env['HEARTH_TEST_DATA_DIR'] ?? '', `worker_${process.env['JEST_WORKER_ID'] ?? '1'}`),
  JWT_SECRET: 'the-first-secret-of-the-tests-32-bytes,an-older-secret-of-the-tests-32-bytes',
  BCRYPT_COST: '4',
  // Disabled, except in tests of the rate limits, which set their own.
  RATE_LIMIT_REQUESTS: '0',
  RATE_LIMIT_LOGIN_ATTEMPTS: '0',
  RATE_LIMIT_STRICT_REQUESTS: '0',
  MAILS_PER_RECIPIENT_PER_HOUR: '0',
  CORS_ORIGINS: 'https://app.example,http://localhost:5173',
})
