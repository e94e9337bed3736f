import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import nextJest from 'next/jest.js'

const rootDir = dirname(dirname(fileURLToPath(import.meta.url)))

export default nextJest({ dir: rootDir })({
  rootDir,
  testEnvironment: 'node',
  testMatch: ['<rootDir>/__tests__/**/*.test.ts'],
  moduleNameMapper: { '^@/(.*)$': '<rootDir>/$1' },
  modulePathIgnorePatterns: ['<rootDir>/.next/', '<rootDir>/.data/'],
  globalSetup: '<rootDir>/__tests__/support/global-setup.ts',
  globalTeardown: '<rootDir>/__tests__/support/global-teardown.ts',
  setupFiles: ['<rootDir>/__tests__/support/environment.ts'],
  setupFilesAfterEnv: ['<rootDir>/__tests__/support/each-test.ts'],
  testTimeout: 30_000,
})
