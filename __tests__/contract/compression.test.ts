import { randomUUID } from 'node:crypto'
import { api, type Call } from '../support/api'
import { createProduct, PASSWORD, signIn, uniqueEmail } from '../support/factories'
import { byName, createResource, operations, ownerFor } from './operations'

const CONTENT = 'word '.repeat(1_000)

const get = (url: string, encoding: string, { headers, ...call }: Call = {}) =>
  api('GET', url, { ...call, headers: { ...headers, 'Accept-Encoding': encoding } })

/** Returns whether the response was received with fewer bytes than it has. */
const isSmaller = ({ headers, text }: { headers: Headers; text: string }) =>
  Number(headers.get('content-length')) < Buffer.byteLength(text)

async function createPost(): Promise<{ url: string; token: string; id: number }> {
  const { token } = await signIn()
  const { json } = await api('POST', '/api/posts', { token, json: { title: 'long', content: CONTENT } })
  return { url: `/api/posts/${json.id}`, token, id: json.id }
}

/** All that have an ETag, except the bytes of files. */
const compressible = operations.filter(
  ({ method, etag, path }) => method === 'GET' && etag === true && !path.startsWith('/api/files/{owner}'),
)

describe.each(byName(compressible))('%s', (_name, one) => {
  it('has the same body, status and headers, and a tag that stays valid, in every coding', async () => {
    const owner = await ownerFor(one)
    const { url } = await createResource(owner, one)
    const { token } = owner
    const plain = await get(url, 'identity', { token })
    expect([plain.status, plain.headers.get('content-encoding')]).toEqual([200, null])
    expect(plain.headers.get('vary')).toMatch(/\bAccept-Encoding\b/)
    for (const encoding of ['gzip', 'br']) {
      const { status, text, headers } = await get(url, encoding, { token })
      expect([status, text, headers.get('vary')]).toEqual([200, plain.text, plain.headers.get('vary')])
      const head = await api('HEAD', url, { token, headers: { 'Accept-Encoding': encoding } })
      for (const name of ['content-encoding', 'content-length', 'etag', 'vary']) {
        expect([name, head.headers.get(name)]).toEqual([name, headers.get(name)])
      }
      const tag = headers.get('etag') ?? ''
      for (const other of ['identity', 'gzip', 'br']) {
        const known = await get(url, other, { token, headers: { 'If-None-Match': tag } })
        expect([known.status, known.text, known.headers.get('content-encoding')]).toEqual([304, '', null])
        expect(known.headers.get('vary')).toBe(headers.get('vary'))
      }
    }
  })
})

describe('compression', () => {
  it('is negotiated by Accept-Encoding with its weights', async () => {
    const { url, token } = await createPost()
    const encodingFor = async (accept: string) => (await get(url, accept, { token })).headers.get('content-encoding')
    for (const [accept, encoding] of [
      ['gzip, deflate, br', 'br'],
      ['br;q=0.5, gzip', 'gzip'],
      ['gzip;q=0, br;q=0', null],
      ['*', 'br'],
      ['gzip;q=0.5, *;q=0', 'gzip'],
      ['identity, gzip;q=0.5', null],
      ['deflate', null],
      ['', null],
    ] as const) {
      expect([accept, await encodingFor(accept)]).toEqual([accept, encoding])
    }
    expect(isSmaller(await get(url, 'br', { token }))).toBe(true)
    expect(isSmaller(await get(url, 'gzip', { token }))).toBe(true)
  })

  it('leaves the strong tag as it is, which If-Match accepts', async () => {
    const { url, token } = await createPost()
    for (const encoding of ['identity', 'gzip', 'br']) {
      const tag = (await get(url, encoding, { token })).headers.get('etag') ?? ''
      expect(tag).toMatch(/^"[^"]+"$/)
      expect((await get(url, 'identity', { token })).headers.get('etag')).toBe(tag)
      const json = { content: `${CONTENT}${encoding}` }
      const headers = { 'If-Match': tag, 'Accept-Encoding': encoding }
      const changed = await api('PATCH', url, { token, json, headers })
      expect(changed.status).toBe(200)
      expect(changed.headers.get('etag')).toBe((await get(url, encoding, { token })).headers.get('etag'))
      expect((await api('PATCH', url, { token, json, headers })).status).toBe(412)
    }
  })

  it('leaves bodies of up to 1 KiB alone, and says that they vary', async () => {
    const { headers } = await get('/api/hello', 'gzip')
    expect([headers.get('content-encoding'), headers.get('vary')]).toEqual([null, 'Origin, Accept-Encoding'])
  })

  it('applies to cached lists, documents, the reference page and errors', async () => {
    const category = randomUUID()
    for (let count = 0; count < 10; count += 1) await createProduct({ category, description: CONTENT })
    const url = `/api/products?category=${category}`
    for (const hit of ['miss', 'hit', 'hit']) {
      const response = await get(url, 'gzip')
      expect([response.headers.get('x-cache'), response.headers.get('content-encoding')]).toEqual([hit, 'gzip'])
      expect(isSmaller(response)).toBe(true)
    }
    expect((await get(url, 'gzip')).json).toEqual((await get(url, 'identity')).json)
    for (const path of ['/api/openapi.json', '/api/postman.json', '/api/docs/swagger-ui.css']) {
      const [plain, small] = [await get(path, 'identity'), await get(path, 'br')]
      expect([path, small.headers.get('content-encoding'), isSmaller(small)]).toEqual([path, 'br', true])
      expect(small.text).toBe(plain.text)
    }
    const fields = Object.fromEntries(Array.from({ length: 90 }, (_, index) => [`field-${index}`, 1]))
    const json = { title: '', ...fields }
    const headers = { 'Accept-Encoding': 'gzip' }
    const failed = await api('POST', '/api/posts', { token: (await signIn()).token, json, headers })
    expect([failed.status, failed.headers.get('content-encoding')]).toEqual([400, 'gzip'])
  })

  it('compresses exports as they are read, with the same headers for HEAD', async () => {
    const category = randomUUID()
    for (let count = 0; count < 5; count += 1) await createProduct({ category, description: CONTENT })
    const url = `/api/products/export?category=${category}`
    const plain = await get(url, 'identity')
    for (const encoding of ['gzip', 'br']) {
      const small = await get(url, encoding)
      expect([small.headers.get('content-encoding'), small.text]).toEqual([encoding, plain.text])
      expect(small.headers.get('vary')).toBe('Origin, Accept, Accept-Encoding')
      const head = await api('HEAD', url, { headers: { 'Accept-Encoding': encoding } })
      for (const name of ['content-encoding', 'content-type', 'vary', 'etag']) {
        expect([name, head.headers.get(name)]).toEqual([name, small.headers.get(name)])
      }
    }
  })

  it('never applies to responses with tokens or secrets, nor to the bytes of files', async () => {
    const headers = { 'Accept-Encoding': 'gzip, br' }
    const json = { email: uniqueEmail(), password: PASSWORD, name: 'x'.repeat(100) }
    const registered = await api('POST', '/api/auth/register', { json, headers })
    const { token } = registered.json
    const scopes = ['posts:read', 'posts:write', 'families:read', 'users:read', 'products:read']
    const key = await api('POST', '/api/api-keys', { token, json: { name: 'tests', scopes }, headers })
    const file = { body: CONTENT, headers: { 'Content-Type': 'text/plain' } }
    const stored = await api('POST', '/api/files/me/a.txt', { token, ...file })
    const bytes = await api('GET', '/api/files/me/a.txt', { token, headers: { ...headers, Range: 'bytes=0-4' } })
    const whole = await api('GET', '/api/files/me/a.txt', { token, headers })
    expect([registered, key, stored, bytes, whole].map(({ status }) => status)).toEqual([201, 201, 201, 206, 200])
    for (const response of [registered, key, bytes, whole]) {
      expect(response.headers.get('content-encoding')).toBeNull()
      expect(response.headers.get('vary')).not.toContain('Accept-Encoding')
    }
  })
})
