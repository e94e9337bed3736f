import { randomUUID } from 'node:crypto'
import { etagOf } from '@/lib/platform/etag'
import { api, type ApiResponse } from '../support/api'
import { findOperation } from '../support/openapi-document'
import { signIn } from '../support/factories'
import { byName, operations } from './operations'
import { isObject, prepare } from './prepare'

/** Accepts only a few names, which determine the media type. */
const ASSET = '/api/docs/{asset}'

function errorOf(response: ApiResponse<unknown>): { code: unknown; details: Record<string, unknown> } {
  const { error } = isObject(response.json) ? response.json : { error: undefined }
  if (!isObject(error)) throw new Error(`No error, but ${response.status}: ${response.text}`)
  return { code: error['code'], details: isObject(error['details']) ? error['details'] : {} }
}

const isOk = ({ status }: ApiResponse<unknown>) => status >= 200 && status < 300

describe.each(byName(operations.filter(({ method, path }) => method === 'GET' && path !== ASSET)))(
  'HEAD of %s',
  (_name, operation) => {
    it('returns the status and headers of GET without a body', async () => {
      const { owner, url, call } = await prepare(operation)
      const whole = await call()
      const head = await api('HEAD', url, { token: owner.token })
      expect([head.status, head.text]).toEqual([whole.status, ''])
      for (const name of ['content-type', 'etag', 'link', 'cache-control']) {
        expect([name, head.headers.get(name)]).toEqual([name, whole.headers.get(name)])
      }
    })
  },
)

describe.each(byName(operations.filter(({ method, etag }) => method === 'GET' && etag === true)))(
  '%s with If-None-Match',
  (_name, operation) => {
    it('returns 304 without a body for a matching tag and 200 otherwise', async () => {
      const { call } = await prepare(operation)
      const tag = (await call()).headers.get('etag') ?? ''
      expect(tag).toMatch(/^"[^"]+"$/)
      for (const header of [tag, `W/${tag}`, `"x", ${tag}`, '*']) {
        const known = await call({ headers: { 'If-None-Match': header } })
        expect([header, known.status, known.text, known.headers.get('etag')]).toEqual([header, 304, '', tag])
      }
      for (const header of ['"x"', 'x', tag.slice(1, -1), '']) {
        expect([header, (await call({ headers: { 'If-None-Match': header } })).status]).toEqual([header, 200])
      }
    })
  },
)

/** Returns the ETag of a resource: from GET or, if there is none, of the item in its list. */
async function tagOf(url: string, token: string): Promise<string> {
  if (findOperation('GET', url) !== undefined) return (await api('GET', url, { token })).headers.get('etag') ?? ''
  const [, list = '', plural = '', id] = /^(.*\/(\w+))\/(\d+)$/.exec(url) ?? []
  const { json } = await api<Record<string, unknown>>('GET', list, { token })
  const items: unknown = json[plural]
  const getId = (item: unknown): unknown =>
    isObject(item) ? (isObject(item['user']) ? item['user']['id'] : item['id']) : undefined
  const found = Array.isArray(items) ? items.find((item) => String(getId(item)) === id) : undefined
  return found === undefined ? '' : etagOf(JSON.stringify(found))
}

describe.each(
  byName(operations.filter(({ ifMatch, body, method }) => ifMatch === true && (body || method === 'DELETE'))),
)('%s with If-Match', (_name, operation) => {
  it('returns 412 for another version and changes nothing', async () => {
    const { owner, url, call } = await prepare(operation)
    const tag = await tagOf(url, owner.token)
    expect(tag).not.toBe('')
    for (const header of ['"x"', `W/${tag}`, tag.slice(1, -1), '']) {
      const response = await call({ headers: { 'If-Match': header } })
      expect([header, response.status, errorOf(response).code]).toEqual([header, 412, 'PRECONDITION_FAILED'])
      expect(await tagOf(url, owner.token)).toBe(tag)
    }
  })

  it('succeeds for the current version, alone or in a list, and for *', async () => {
    for (const write of [(tag: string) => tag, (tag: string) => `"x", ${tag}`, () => '*']) {
      const { owner, url, call } = await prepare(operation)
      const response = await call({ headers: { 'If-Match': write(await tagOf(url, owner.token)) } })
      expect([response.status, isOk(response)]).toEqual([response.status, true])
      const after = response.headers.get('etag')
      if (after !== null) expect(await tagOf(url, owner.token)).toBe(after)
    }
  })

  it('executes one of two concurrent requests with the same version', async () => {
    const { owner, url, call } = await prepare(operation)
    const headers = { 'If-Match': await tagOf(url, owner.token) }
    const responses = await Promise.all([call({ headers }), call({ headers })])
    const [done, refused] = responses.map(({ status }) => status).sort()
    expect(done).toBe(operation.method === 'DELETE' ? 204 : 200)
    // 401 after the deletion of the caller's own account.
    expect(operation.method === 'DELETE' ? [401, 404, 412] : [412]).toContain(refused)
  })
})

describe.each(byName(operations.filter(({ idempotent, body }) => idempotent === true && body !== undefined)))(
  '%s with an Idempotency-Key',
  (_name, operation) => {
    it('replays the first response, and returns 422 for another body', async () => {
      const { call, json } = await prepare(operation)
      const headers = { 'Idempotency-Key': randomUUID() }
      const first = await call({ headers })
      expect([first.status, isOk(first)]).toEqual([first.status, true])
      expect(first.headers.get('idempotency-replayed')).toBeNull()
      const again = await call({ headers })
      expect([again.status, again.text]).toEqual([first.status, first.text])
      expect(again.headers.get('idempotency-replayed')).toBe('true')
      for (const name of ['location', 'etag']) expect(again.headers.get(name)).toBe(first.headers.get(name))
      const other = await call({ headers, json: { ...json, other: true } })
      expect([other.status, errorOf(other).code]).toEqual([422, 'IDEMPOTENCY_KEY_REUSED'])
    })

    it('executes one of several concurrent requests', async () => {
      const { call } = await prepare(operation)
      const headers = { 'Idempotency-Key': randomUUID() }
      const responses = await Promise.all([call({ headers }), call({ headers }), call({ headers })])
      const done = responses.filter(isOk)
      expect(new Set(done.map(({ text }) => text)).size).toBe(1)
      expect(done.filter(({ headers: given }) => given.get('idempotency-replayed') === null)).toHaveLength(1)
      const others = responses.filter((response) => !isOk(response))
      expect(others.map((response) => errorOf(response).code)).toEqual(others.map(() => 'IDEMPOTENCY_IN_PROGRESS'))
    })

    it('returns 400 for an invalid key', async () => {
      const { call } = await prepare(operation)
      for (const key of ['a b', 'é', 'x'.repeat(256), '']) {
        const response = await call({ headers: { 'Idempotency-Key': key } })
        expect([response.status, Object.keys(errorOf(response).details)]).toEqual([400, ['Idempotency-Key']])
      }
    })
  },
)

describe.each(byName(operations.filter(({ responses, body }) => responses[201] !== undefined && body !== undefined)))(
  '%s',
  (_name, operation) => {
    it('returns the Location of the created resource', async () => {
      const { owner, url, call } = await prepare(operation)
      const created = await call()
      expect(created.status).toBe(201)
      const location = created.headers.get('location') ?? ''
      if (!isObject(created.json)) throw new Error(`No object: ${created.text}`)
      const { id } = created.json
      if (typeof id === 'number' || typeof id === 'string') expect(location).toBe(`${url}/${id}`)
      else expect(location).toMatch(/^\/api\//)
      if (findOperation('GET', location) === undefined) return
      const { token } =
        operation.access === 'public' || operation.access.optional === true ? await signIn({ role: 'admin' }) : owner
      const shown = await api<object>('GET', location, { token })
      expect(shown.status).toBe(200)
      if (id !== undefined) expect(shown.json).toMatchObject(created.json)
      if (created.headers.has('etag')) expect(created.headers.get('etag')).toBe(shown.headers.get('etag'))
    })
  },
)

describe.each(byName(operations.filter(({ path }) => path !== ASSET)))('%s', (_name, operation) => {
  it('returns 400 for an unknown query parameter', async () => {
    const { call } = await prepare(operation)
    const response = await call({ query: '?nope=1' })
    expect([response.status, errorOf(response)]).toEqual([
      400,
      { code: 'VALIDATION_ERROR', details: { nope: ['is not allowed'] } },
    ])
  })
})

describe.each(byName(operations.filter(({ body }) => body !== undefined)))('the body of %s', (_name, operation) => {
  it('returns 400 for unknown keys, including names of other resources', async () => {
    const { call, json } = await prepare(operation)
    const unknown = { nope: 1, id: 1, createdAt: '2020-01-01T00:00:00.000Z', authorId: 1, ownerId: 1, toString: 1 }
    const response = await call({ json: { ...json, ...unknown } })
    const { code, details } = errorOf(response)
    expect([response.status, code, Object.keys(details).sort()]).toEqual([
      400,
      'VALIDATION_ERROR',
      Object.keys(unknown).sort(),
    ])
  })

  it('returns an error for every invalid field', async () => {
    const { call } = await prepare(operation)
    const fields = Object.keys(operation.body?.describe()['keys'] ?? {})
    if (fields.length === 0) return
    const response = await call({ json: Object.fromEntries(fields.map((field) => [field, [[]]])) })
    const named = Object.keys(errorOf(response).details).map((path) => path.split('.')[0])
    expect([response.status, [...new Set(named)].sort()]).toEqual([400, fields.sort()])
  })

  it('returns 415 unless it is JSON in UTF-8, and 400 for __proto__ and constructor', async () => {
    const { call } = await prepare(operation)
    for (const [status, type, body] of [
      [415, 'text/plain', '{}'],
      [415, 'application/x-www-form-urlencoded', 'a=1'],
      [415, 'application/json; charset=latin1', '{}'],
      [400, 'application/json', '{'],
      [400, 'application/json', '[]'],
      [400, 'application/json', '{"__proto__":{"role":"admin"}}'],
      [400, 'application/json', '{"constructor":{"prototype":{"a":1}}}'],
    ] as const) {
      expect([body, (await call({ body, headers: { 'Content-Type': type } })).status]).toEqual([body, status])
    }
    expect((await call({ headers: { 'Content-Encoding': 'gzip' } })).status).toBe(415)
  })
})
