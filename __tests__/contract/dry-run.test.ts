import { randomUUID } from 'node:crypto'
import { databasePool } from '@/lib/platform/db/prisma'
import { honoursDryRun } from '@/lib/platform/operation'
import { api } from '../support/api'
import { createProduct, PASSWORD, signIn, uniqueEmail } from '../support/factories'
import { useLimits, useNoLimits } from '../support/rate-limits'
import { byName, operations } from './operations'
import { prepare } from './prepare'

const DRY = { Prefer: 'dry-run' }

/** Returns a hash of all rows of each table, jobs included. */
async function contents(): Promise<Record<string, unknown>> {
  const tables = await databasePool().query<{ name: string }>(`
    SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables
    WHERE schemaname = 'public' OR tablename = '_private_jobs' ORDER BY 1`)
  const hashes = tables.rows.map(async ({ name }): Promise<[string, unknown]> => {
    const { rows } = await databasePool().query(`
      SELECT count(*), md5(string_agg(row, '' ORDER BY row))
      FROM (SELECT (to_jsonb(t) - 'last_used_at')::text AS row FROM ${name} AS t) AS rows`)
    return [name, rows]
  })
  return Object.fromEntries(await Promise.all(hashes))
}

/** Returns the keys of a JSON body. */
const shapeOf = (text: string): unknown => {
  const value: unknown = text === '' ? null : JSON.parse(text)
  return typeof value === 'object' && value !== null ? Object.keys(value) : value
}

describe.each(byName(operations.filter(honoursDryRun)))('%s with Prefer: dry-run', (_name, operation) => {
  it('returns the response of the request, and changes nothing', async () => {
    const { call } = await prepare(operation)
    const before = await contents()
    const dry = await call({ headers: DRY })
    expect(dry.headers.get('preference-applied')).toBe('dry-run')
    expect(await contents()).toEqual(before)
    const real = await call()
    expect([dry.status, shapeOf(dry.text)]).toEqual([real.status, shapeOf(real.text)])
    for (const name of ['location', 'etag', 'content-type', 'cache-control', 'set-cookie']) {
      expect([name, dry.headers.has(name)]).toEqual([name, real.headers.has(name)])
    }
    expect(real.headers.get('preference-applied')).toBeNull()
  })

  it('returns errors like the request', async () => {
    const { call } = await prepare(operation)
    const [dry, real] = [await call({ query: '?nope=1', headers: DRY }), await call({ query: '?nope=1' })]
    expect([dry.status, shapeOf(dry.text)]).toEqual([real.status, shapeOf(real.text)])
    expect([dry.status, dry.headers.get('preference-applied')]).toEqual([400, 'dry-run'])
  })
})

describe('Prefer', () => {
  it('is parsed as RFC 7240 says', async () => {
    const { token } = await signIn()
    const applied = async (prefer: string) => {
      const json = { name: 'Lovelace' }
      const { headers } = await api('POST', '/api/families', { token, json, headers: { Prefer: prefer } })
      return headers.get('preference-applied')
    }
    for (const prefer of [
      'dry-run',
      'DRY-RUN',
      'wait=10, dry-run; a=b',
      'x="a, b", dry-run=""',
      'respond-async,dry-run',
    ]) {
      expect([prefer, await applied(prefer)]).toEqual([prefer, 'dry-run'])
    }
    for (const prefer of ['', 'dry-runs', 'x="dry-run, dry-run"', 'dry-run=no', 'x; dry-run', 'dry']) {
      expect([prefer, await applied(prefer)]).toEqual([prefer, null])
    }
  })

  it('is ignored by reads and uploads', async () => {
    const { token } = await signIn()
    const read = await api('GET', '/api/hello', { headers: DRY })
    const headers = { ...DRY, 'Content-Type': 'text/plain' }
    const upload = await api('POST', '/api/files/me/a.txt', { token, body: 'words', headers })
    expect([read, upload].map((response) => response.headers.has('preference-applied'))).toEqual([false, false])
    expect((await api('GET', '/api/files/me/a.txt', { token })).text).toBe('words')
  })
})

describe('a dry run', () => {
  it('returns void tokens', async () => {
    const json = { email: uniqueEmail(), password: PASSWORD }
    const dry = await api<{ token: string; refreshToken: string }>('POST', '/api/auth/register', { json, headers: DRY })
    expect([dry.status, dry.json.token, dry.json.refreshToken]).toEqual([201, 'dry-run', 'dry-run'])
    expect((await api('POST', '/api/auth/register', { json })).status).toBe(201)
    const key = { name: 'tests', scopes: ['posts:read'] }
    const { token } = await signIn()
    const created = await api<{ key: string }>('POST', '/api/api-keys', { token, json: key, headers: DRY })
    expect((await api('GET', '/api/protected', { token: created.json.key })).status).toBe(401)
  })

  it('checks preconditions and constraints', async () => {
    const { token } = await signIn({ role: 'admin' })
    const { id, ...product } = await createProduct()
    const { createdAt: _created, updatedAt: _updated, ...json } = product
    const duplicate = await api('POST', '/api/products', { token, json, headers: DRY })
    expect([duplicate.status, duplicate.json.error.code]).toEqual([409, 'SKU_EXISTS'])
    const headers = { ...DRY, 'If-Match': '"x"' }
    expect((await api('PATCH', `/api/products/${id}`, { token, json: { stock: 1 }, headers })).status).toBe(412)
    const other = { ...json, sku: randomUUID() }
    expect((await api('POST', '/api/products', { json: other, headers: DRY })).status).toBe(401)
  })

  it('leaves idempotency keys unused, and replays used ones', async () => {
    const { token } = await signIn()
    const key = { 'Idempotency-Key': randomUUID() }
    const json = { name: 'Lovelace' }
    const replayed = async (headers: Record<string, string>) => {
      const response = await api('POST', '/api/families', { token, json, headers: { ...key, ...headers } })
      return [response.status, response.headers.get('idempotency-replayed')]
    }
    expect(await replayed(DRY)).toEqual([201, null])
    expect(await replayed({})).toEqual([201, null])
    expect(await replayed(DRY)).toEqual([201, 'true'])
  })

  it('neither invalidates cached responses nor ends sessions', async () => {
    const { token, user } = await signIn({ role: 'admin' })
    const { id } = await createProduct()
    const url = `/api/products/${id}`
    await api('GET', url)
    await api('PATCH', url, { token, json: { stock: 77 }, headers: DRY })
    await api('DELETE', url, { token, headers: DRY })
    const cached = await api<{ stock: number }>('GET', url)
    expect([cached.headers.get('x-cache'), cached.json.stock]).toEqual(['hit', 23])
    await api('POST', '/api/auth/logout', { token, headers: DRY })
    await api('DELETE', `/api/users/${user.id}`, { token, headers: DRY })
    expect((await api('GET', '/api/auth/me', { token })).status).toBe(200)
  })

  it('deletes no stored bytes', async () => {
    const { token } = await signIn()
    const upload = { token, body: 'words', headers: { 'Content-Type': 'text/plain' } }
    await api('PUT', '/api/files/me/a.txt', upload)
    expect((await api('DELETE', '/api/files/me/a.txt', { token, headers: DRY })).status).toBe(204)
    expect((await api('GET', '/api/files/me/a.txt', { token })).text).toBe('words')
  })

  it('counts against rate limits', async () => {
    useLimits({ general: 1 })
    const json = { email: 'a@example.test' }
    await api('POST', '/api/auth/forgot-password', { json, headers: DRY })
    expect((await api('POST', '/api/auth/forgot-password', { json, headers: DRY })).status).toBe(429)
    useNoLimits()
  })
})
