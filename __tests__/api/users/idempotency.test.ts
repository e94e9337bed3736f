import { randomUUID } from 'node:crypto'
import { deleteExpiredIdempotencyRecords } from '@/lib/platform/idempotency/repository'
import { databasePool, prisma } from '@/lib/platform/db/prisma'
import { api } from '../../support/api'
import { uniqueEmail, createUser, PASSWORD, signIn } from '../../support/factories'
import { expectErrorsInLog } from '../../support/log'

type Given = { key?: string; token?: string | undefined; email?: string; json?: object }

async function create({ key = randomUUID(), token, email = uniqueEmail(), json }: Given) {
  return api('POST', '/api/users', {
    token,
    json: json ?? { email, password: PASSWORD },
    headers: { 'Idempotency-Key': key },
  })
}

const countUsers = (email: string) => prisma().user.count({ where: { email } })

describe('POST /api/users with an Idempotency-Key', () => {
  it('creates one user and replays the response, whatever the order of the keys in the body', async () => {
    const key = randomUUID()
    const email = uniqueEmail()
    const first = await create({ key, email })
    expect([first.status, first.headers.get('idempotency-replayed')]).toEqual([201, null])
    for (const json of [
      { email, password: PASSWORD },
      { password: PASSWORD, email },
    ]) {
      const again = await create({ key, json })
      expect([again.status, again.text]).toEqual([201, first.text])
      expect(again.headers.get('idempotency-replayed')).toBe('true')
      for (const name of ['location', 'etag', 'content-type'])
        expect([name, again.headers.get(name)]).toEqual([name, first.headers.get(name)])
    }
    expect(await countUsers(email)).toBe(1)
  })

  it('returns the ETag of GET', async () => {
    const { token } = await signIn({ role: 'admin' })
    const made = await create({ token })
    const read = await api('GET', made.headers.get('location') ?? '', { token })
    expect(made.headers.get('etag')).toBe(read.headers.get('etag'))
  })

  it('executes one of several concurrent requests and replays or rejects the rest', async () => {
    const key = randomUUID()
    const email = uniqueEmail()
    const responses = await Promise.all(Array.from({ length: 8 }, () => create({ key, email })))
    const fresh = responses.filter(({ status, headers }) => status === 201 && !headers.has('idempotency-replayed'))
    expect(fresh).toHaveLength(1)
    for (const response of responses) {
      if (response.status === 201) expect(response.text).toBe(fresh[0]?.text)
      else expect([response.status, response.json.error.code]).toEqual([409, 'IDEMPOTENCY_IN_PROGRESS'])
    }
    expect((await create({ key, email })).text).toBe(fresh[0]?.text)
    expect(await countUsers(email)).toBe(1)
  })

  it('handles more concurrent keys than the pool has connections', async () => {
    const responses = await Promise.all(Array.from({ length: 12 }, () => create({})))
    expect(responses.map((response) => response.status)).toEqual(Array(12).fill(201))
  })

  it('returns 422 for another body without details of the first', async () => {
    const key = randomUUID()
    const email = uniqueEmail()
    await create({ key, email })
    const others = [
      { key, email: uniqueEmail() },
      { key, json: { email, password: `${PASSWORD}!` } },
    ]
    for (const other of others) {
      const response = await create(other)
      expect([response.status, response.json.error.code]).toEqual([422, 'IDEMPOTENCY_KEY_REUSED'])
      expect(response.text).not.toContain(email)
    }
  })

  it('separates the keys of different callers', async () => {
    const key = randomUUID()
    const [one, other] = [await signIn({ role: 'admin' }), await signIn({ role: 'admin' })]
    const tokens = [one.token, other.token, undefined]
    const made = await Promise.all(tokens.map((token) => create({ key, token })))
    expect(made.map((response) => [response.status, response.headers.get('idempotency-replayed')])).toEqual(
      tokens.map(() => [201, null]),
    )
  })

  it('replays errors without executing the request', async () => {
    const email = uniqueEmail()
    const taken = await createUser()
    for (const json of [
      { email: taken.email, password: PASSWORD },
      { email, password: 'short' },
    ]) {
      const key = randomUUID()
      const first = await create({ key, json })
      expect([400, 409]).toContain(first.status)
      const again = await create({ key, json })
      expect([again.status, again.text, again.headers.get('idempotency-replayed')]).toEqual([
        first.status,
        first.text,
        'true',
      ])
    }
    expect(await countUsers(email)).toBe(0)
  })

  it('does not store a 403', async () => {
    const key = randomUUID()
    const { token, user } = await signIn()
    const json = { email: uniqueEmail(), password: PASSWORD, role: 'admin' }
    expect((await create({ key, token, json })).status).toBe(403)
    expect((await create({ key, token, json })).headers.get('idempotency-replayed')).toBeNull()
    expect(await countUsers(json.email)).toBe(0)
    expect(user.role).toBe('user')
  })

  it('does not store a server error, so that the key can be retried', async () => {
    expectErrorsInLog()
    const key = randomUUID()
    const email = uniqueEmail()
    await databasePool().query('ALTER TABLE passwords RENAME TO passwords_away')
    const failed = await create({ key, email }).finally(() =>
      databasePool().query('ALTER TABLE passwords_away RENAME TO passwords'),
    )
    expect(failed.status).toBe(500)
    expect(await countUsers(email)).toBe(0)
    const again = await create({ key, email })
    expect([again.status, again.headers.get('idempotency-replayed')]).toEqual([201, null])
  })

  it('rolls back the creation when the record cannot be stored', async () => {
    expectErrorsInLog()
    const email = uniqueEmail()
    await databasePool().query('ALTER TABLE idempotency_records ADD CONSTRAINT never CHECK (false) NOT VALID')
    const failed = await create({ email }).finally(() =>
      databasePool().query('ALTER TABLE idempotency_records DROP CONSTRAINT never'),
    )
    expect(failed.status).toBe(500)
    expect(await countUsers(email)).toBe(0)
  })

  it('expires records after 24 hours, and cleans them up', async () => {
    await databasePool().query('DELETE FROM idempotency_records')
    const key = randomUUID()
    const email = uniqueEmail()
    await create({ key, email })
    const { rows } = await databasePool().query<{ hours: string }>(
      'SELECT extract(epoch FROM expires_at - now()) / 3600 AS hours FROM idempotency_records',
    )
    expect(Number(rows[0]?.hours)).toBeCloseTo(24, 1)
    expect(await deleteExpiredIdempotencyRecords()).toBe(0)
    const expire = "UPDATE idempotency_records SET expires_at = now() - interval '1 second'"
    await databasePool().query(expire)
    const again = await create({ key, email })
    expect([again.status, again.json.error.code]).toEqual([409, 'EMAIL_EXISTS'])
    expect(again.headers.get('idempotency-replayed')).toBeNull()
    await databasePool().query(expire)
    await create({})
    expect(await deleteExpiredIdempotencyRecords()).toBe(1)
    expect(await prisma().idempotencyRecord.count()).toBe(1)
  })

  it('stores no plaintext key, address, password or response', async () => {
    const key = `key-${randomUUID()}`
    const email = uniqueEmail()
    await create({ key, email })
    const { rows } = await databasePool().query<object>('SELECT * FROM idempotency_records')
    const kept = JSON.stringify(rows)
    for (const secret of [key, email, PASSWORD, '127.0.0.1']) expect(kept).not.toContain(secret)
  })

  it.each([['a b'], ['é'], ['x'.repeat(256)], ['']])('returns 400 for the key %j', async (key) => {
    const response = await create({ key })
    expect(response.status).toBe(400)
    expect(Object.keys(response.json.error.details)).toEqual(['Idempotency-Key'])
  })

  it('accepts a key of maximum length with every visible character', async () => {
    const signs = Array.from({ length: 0x5e }, (_, index) => String.fromCharCode(0x21 + index)).join('')
    for (const key of ['x'.repeat(255), signs]) expect((await create({ key })).status).toBe(201)
  })

  it('returns 400 for a deeply nested body', async () => {
    const body = `{"email":${'['.repeat(5_000)}${']'.repeat(5_000)}}`
    const headers = { 'Idempotency-Key': randomUUID(), 'Content-Type': 'application/json' }
    expect((await api('POST', '/api/users', { body, headers })).status).toBe(400)
  })

  it('stores no record without a key', async () => {
    const before = await prisma().idempotencyRecord.count()
    expect((await api('POST', '/api/users', { json: { email: uniqueEmail(), password: PASSWORD } })).status).toBe(201)
    expect(await prisma().idempotencyRecord.count()).toBe(before)
  })
})

describe('replayed secrets', () => {
  it('replays the tokens of a registration, also as a cookie, and stores them encrypted', async () => {
    for (const session of ['cookie', undefined]) {
      const json = { email: uniqueEmail(), password: PASSWORD, ...(session !== undefined && { session }) }
      const headers = { 'Idempotency-Key': randomUUID() }
      const first = await api('POST', '/api/auth/register', { json, headers })
      const again = await api('POST', '/api/auth/register', { json, headers })
      expect([first.status, again.status, again.text]).toEqual([201, 201, first.text])
      expect(again.headers.get('idempotency-replayed')).toBe('true')
      for (const name of ['set-cookie', 'location', 'cache-control'])
        expect([name, again.headers.get(name)]).toEqual([name, first.headers.get(name)])
      expect(again.headers.has('set-cookie')).toBe(session === 'cookie')
      const { rows } = await databasePool().query<object>('SELECT * FROM idempotency_records')
      expect(JSON.stringify(rows)).not.toContain(first.json.token)
      expect(await prisma().session.count({ where: { userId: first.json.user.id } })).toBe(1)
    }
  })

  it('replays an API key only to its owner', async () => {
    const [owner, other] = [await signIn(), await signIn()]
    const call = { json: { name: 'Export', scopes: ['users:read'] }, headers: { 'Idempotency-Key': randomUUID() } }
    type Key = { id: string; key: string }
    const first = await api<Key>('POST', '/api/api-keys', { ...call, token: owner.token })
    const again = await api<Key>('POST', '/api/api-keys', { ...call, token: owner.token })
    expect([first.status, again.json]).toEqual([201, first.json])
    const theirs = await api<Key>('POST', '/api/api-keys', { ...call, token: other.token })
    expect([theirs.status, theirs.headers.get('idempotency-replayed')]).toEqual([201, null])
    expect(theirs.json.key).not.toBe(first.json.key)
    expect((await api('POST', '/api/api-keys', call)).status).toBe(401)
    expect(await prisma().apiKey.count({ where: { userId: owner.user.id } })).toBe(1)
  })

  it('does not affect conditional GET of sessions and keys', async () => {
    const { token } = await signIn()
    for (const url of ['/api/auth/me', '/api/auth/sessions', '/api/api-keys']) {
      const tag = (await api('GET', url, { token })).headers.get('etag') ?? ''
      expect([url, (await api('GET', url, { token, headers: { 'If-None-Match': tag } })).status]).toEqual([url, 304])
    }
  })
})
