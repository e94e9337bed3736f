import { existsSync } from 'node:fs'
import { routes } from '../support/api'

describe('every route file', () => {
  it.each(routes.map(({ file }) => file))('pages/api/%s has a test at the same path', (file) => {
    expect(existsSync(`__tests__/api/${file.replace(/\.ts$/, '.test.ts')}`)).toBe(true)
  })
})
