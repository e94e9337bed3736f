import { accessSync, constants } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import nextJest from 'next/jest.js'

const rootDir = dirname(dirname(fileURLToPath(import.meta.url)))

/**
 * Tests that need a program from elsewhere say so in their name, such as `limits.redis.test.ts`. They run where the
 * program is installed; where it is not, a line says what was left out, unless HEARTH_TEST_REQUIRE names it.
 */
const programs = { redis: 'redis-server', browser: 'chromium', curl: 'curl' }
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

const leftOut = Object.entries(programs).filter(([need, program]) => !required.includes(need) && !isInstalled(program))
for (const [need, program] of leftOut) {
  process.stderr.write(`Tests named *.${need}.test.ts are left out: ${program} is not installed.\n`)
}

export default nextJest({ dir: rootDir })({
  rootDir,
  testEnvironment: 'node',
  testMatch: ['<rootDir>/__tests__/**/*.test.ts'],
  testPathIgnorePatterns: ['/node_modules/', ...leftOut.map(([need]) => `\\.${need}\\.test\\.ts$`)],
  moduleNameMapper: { '^@/(.*)$': '<rootDir>/$1' },
  modulePathIgnorePatterns: ['<rootDir>/.next/', '<rootDir>/.data/'],
  globalSetup: '<rootDir>/__tests__/support/global-setup.ts',
  globalTeardown: '<rootDir>/__tests__/support/global-teardown.ts',
  setupFiles: ['<rootDir>/__tests__/support/setup-env.ts'],
  setupFilesAfterEnv: ['<rootDir>/__tests__/support/setup-after-env.ts'],
  testTimeout: 30_000,
})
