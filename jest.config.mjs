import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import nextJest from 'next/jest.js'

/**
 * Programs that some tests need: `login.redis.test.ts` runs only where redis-server is installed. HEARTH_TEST_REQUIRE
 * (comma-separated: redis,browser,curl,pty) makes such tests run, and fail, where the program is missing.
 */
const programs = { redis: 'redis-server', browser: 'chromium', curl: 'curl', pty: 'script' }
const required = (process.env['HEARTH_TEST_REQUIRE'] ?? '').split(',')

/** @param {string} program */
function isInstalled(program) {
  return (process.env['PATH'] ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}

const skipped = Object.entries(programs).filter(([need, program]) => !required.includes(need) && !isInstalled(program))
for (const [need, program] of skipped) {
  process.stderr.write(`Skipping *.${need}.test.ts: ${program} is not installed.\n`)
}

const createConfig = nextJest({ dir: import.meta.dirname })({
  testEnvironment: 'node',
  roots: ['<rootDir>/__tests__', '<rootDir>/lib', '<rootDir>/pages', '<rootDir>/prisma'],
  testMatch: ['**/*.test.ts', ...skipped.map(([need]) => `!**/*.${need}.test.ts`)],
  moduleNameMapper: { '^@/(.*)$': '<rootDir>/$1' },
  globalSetup: '<rootDir>/__tests__/support/global-setup.ts',
  globalTeardown: '<rootDir>/__tests__/support/global-teardown.ts',
  setupFiles: ['<rootDir>/__tests__/support/setup-env.ts'],
  setupFilesAfterEnv: ['<rootDir>/__tests__/support/setup-after-env.ts'],
  // The default wraps properties of globals after each test file; a late write to one, such as a request counter, would
  // then recurse until the stack overflows.
  testEnvironmentOptions: { globalsCleanup: 'off' },
  // A busy machine must not fail a test: this only ends tests that hang.
  testTimeout: 120_000,
})

export default async () => ({
  ...(await createConfig()),
  testSequencer: '<rootDir>/__tests__/support/test-sequencer.mjs',
})
