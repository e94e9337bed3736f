import { readFileSync } from 'node:fs'
import { parseConfig, CONFIG_NAMES } from '@/lib/config'

const SECRET = 'JfK2wq0vTn8rX5mYb1cUzQ7hLd3sGaPe'

function errorsOf(environment: Record<string, string>): string[] {
  const parsed = parseConfig(environment)
  return 'errors' in parsed ? parsed.errors : []
}

describe('the configuration', () => {
  it('has a valid default for every setting', () => {
    const parsed = parseConfig({})
    expect(parsed).toMatchObject({
      settings: { port: 3000, host: '127.0.0.1', bcryptCost: 12, openSignup: true },
    })
  })

  it('treats an empty value as unset', () => {
    expect(parseConfig({ PORT: '', DATABASE_URL: '', CORS_ORIGINS: '' })).toEqual(parseConfig({}))
  })

  it('binds to 0.0.0.0 only when DATABASE_URL is set', () => {
    const parsed = parseConfig({ DATABASE_URL: 'postgresql://localhost/x', JWT_SECRET: SECRET })
    expect(parsed).toMatchObject({ settings: { host: '0.0.0.0' } })
  })

  it('requires JWT secrets of at least 32 bytes when DATABASE_URL is set', () => {
    const database = { DATABASE_URL: 'postgresql://localhost/x' }
    expect(errorsOf(database)).toEqual([expect.stringContaining('JWT_SECRET')])
    expect(errorsOf({ ...database, JWT_SECRET: 'short' })).toEqual([expect.stringContaining('32 bytes')])
    expect(errorsOf({ ...database, JWT_SECRET: `${SECRET},short` })).toEqual([expect.stringContaining('32 bytes')])
    expect(errorsOf({ ...database, JWT_SECRET: `${SECRET},${SECRET}b` })).toEqual([])
  })

  it.each([
    'a'.repeat(40),
    'abababab'.repeat(5),
    'only-for-trying-it-out-change-this-secret',
    'your-secret-here'.repeat(3),
  ])('rejects the JWT secret %s', (secret) => {
    const errors = errorsOf({ DATABASE_URL: 'postgresql://localhost/x', JWT_SECRET: `${SECRET},${secret}` })
    expect(errors).toEqual([expect.stringContaining('JWT_SECRET')])
    expect(errors[0]).toContain('openssl rand')
    expect(errors[0]).not.toContain(secret)
  })

  it('reports every error on a separate line', () => {
    const errors = errorsOf({
      PORT: 'many',
      LOG_LEVEL: 'loud',
      CORS_ORIGINS: 'https://a.example/path',
      ADMIN_EMAIL: 'a@b.cc',
    })
    expect(errors).toHaveLength(4)
    for (const name of ['PORT', 'LOG_LEVEL', 'CORS_ORIGINS', 'ADMIN_EMAIL']) {
      expect(errors.some((error) => error.includes(name))).toBe(true)
    }
    expect(errors.every((error) => !error.includes('\n'))).toBe(true)
  })

  it('does not disclose secrets in errors', () => {
    const errors = errorsOf({
      DATABASE_URL: 'mysql://user:hush@localhost/x',
      JWT_SECRET: 'hush-hush',
      ADMIN_PASSWORD: 'hush',
    })
    expect(errors.length).toBeGreaterThanOrEqual(3)
    expect(errors.join('\n')).not.toContain('hush')
  })

  it('is listed completely in .env.example', () => {
    const listed = readFileSync('.env.example', 'utf8').matchAll(/^([A-Z][A-Z0-9_]*)=/gm)
    expect([...listed].map((match) => match[1]).toSorted()).toEqual([...CONFIG_NAMES].toSorted())
  })

  it('is described completely in the configuration document', () => {
    const document = readFileSync('.github/docs/configuration.md', 'utf8')
    expect(CONFIG_NAMES.filter((name) => !document.includes(`\`${name}\``))).toEqual([])
  })
})
