import { createHash } from 'node:crypto'
import type { File } from '@/lib/domains/files/schema'
import { api } from '../../../support/api'
import { signIn } from '../../../support/factories'
import { fileUrl, publish, storeFile, uniquePath } from '../../../support/files'

const BODY = '0123456789'

async function stored(type = 'text/plain') {
  const { token } = await signIn()
  const { path } = await storeFile(token, { body: BODY, type })
  const url = fileUrl(path)
  const { headers } = await api('GET', url, { token })
  return { token, url, path, etag: headers.get('etag') ?? '', lastModified: headers.get('last-modified') ?? '' }
}

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')

describe('GET /api/files/:owner/…', () => {
  it.each([
    ['bytes=0-3', '0123', 'bytes 0-3/10'],
    ['bytes=4-', '456789', 'bytes 4-9/10'],
    ['bytes=-2', '89', 'bytes 8-9/10'],
    ['bytes=8-99', '89', 'bytes 8-9/10'],
    ['bytes=0-0', '0', 'bytes 0-0/10'],
    ['bytes=0-2,3-4', '01234', 'bytes 0-4/10'],
  ])('returns 206 with the requested bytes for %s', async (range, part, contentRange) => {
    const { token, url } = await stored()
    const response = await api('GET', url, { token, headers: { Range: range } })
    expect([response.status, response.text]).toEqual([206, part])
    expect(response.headers.get('content-range')).toBe(contentRange)
    expect(response.headers.get('content-length')).toBe(String(part.length))
  })

  it.each(['bytes=10-', 'bytes=-0', 'bytes=50-60'])('returns 416 for %s', async (range) => {
    const { token, url } = await stored()
    const response = await api('GET', url, { token, headers: { Range: range } })
    expect([response.status, response.json.error.code]).toEqual([416, 'RANGE_NOT_SATISFIABLE'])
    expect(response.headers.get('content-range')).toBe('bytes */10')
  })

  it.each(['bytes=0-1,5-6', 'lines=1-2', 'nonsense', 'bytes=x-y'])('returns the whole file for %s', async (range) => {
    const { token, url } = await stored()
    const response = await api('GET', url, { token, headers: { Range: range } })
    expect([response.status, response.text]).toEqual([200, BODY])
  })

  it.each([
    ['many parts', `bytes=${Array.from({ length: 3_000 }, () => '0-0').join()}`],
    ['many parts that do not touch', `bytes=${Array.from({ length: 1_200 }, (_, at) => `${at * 2}-${at * 2}`).join()}`],
    ['parts that overlap', `bytes=${'0-,'.repeat(3_000)}-1`],
    ['an end of many digits', `bytes=0-${'9'.repeat(5_000)}`],
    ['a beginning of many digits', `bytes=${'9'.repeat(5_000)}-`],
    ['a length of many digits', `bytes=-${'9'.repeat(5_000)}`],
    ['the largest of numbers', 'bytes=-9223372036854775808'],
    ['a part that ends before it begins', 'bytes=5-2'],
    ['numbers that are none', 'bytes=1e0-0x5'],
    ['spaces', `bytes=${' '.repeat(10_000)}0-1`],
    ['commas', `bytes=${','.repeat(10_000)}`],
  ])('returns no more than the file for a range of %s', async (_what, range) => {
    const { token, url } = await stored()
    const response = await api('GET', url, { token, headers: { Range: range } })
    expect([200, 206, 416]).toContain(response.status)
    if (response.status !== 416) expect(BODY).toContain(response.text)
  })

  it('returns a range only if If-Range matches', async () => {
    const { token, url, etag, lastModified } = await stored()
    const get = (condition: string) => api('GET', url, { token, headers: { Range: 'bytes=5-', 'If-Range': condition } })
    expect((await get(etag)).status).toBe(206)
    expect((await get(lastModified)).status).toBe(206)
    for (const other of ['"other"', `W/${etag}`, 'Sat, 01 Jan 2000 00:00:00 GMT']) {
      expect(await get(other)).toMatchObject({ status: 200, text: BODY })
    }
  })

  it('returns 304 for a matching ETag', async () => {
    const { token, url, etag, lastModified } = await stored()
    for (const headers of [{ 'If-None-Match': `"x", W/${etag}` }, { 'If-Modified-Since': lastModified }] as const) {
      const response = await api('GET', url, { token, headers: { ...headers } })
      expect([response.status, response.text, response.headers.get('etag')]).toEqual([304, '', etag])
    }
    expect((await api('GET', url, { token, headers: { 'If-None-Match': '"x"' } })).status).toBe(200)
    expect((await api('GET', url, { token, headers: { 'If-Match': '"x"' } })).status).toBe(412)
  })

  it('returns the headers of GET without a body for HEAD', async () => {
    const { token, url, etag } = await stored()
    const response = await api('HEAD', url, { token, headers: { Range: 'bytes=0-3' } })
    expect([response.status, response.text, response.headers.get('etag')]).toEqual([200, '', etag])
    expect(response.headers.get('content-length')).toBe('10')
  })

  it.each(['text/html', 'image/svg+xml', 'text/xml', 'application/xhtml+xml', 'text/javascript', 'application/pdf'])(
    'sends %s as an attachment, sandboxed',
    async (type) => {
      const { token, url } = await stored(type)
      const { headers } = await api('GET', url, { token })
      expect(headers.get('content-type')).toBe(type)
      expect(headers.get('content-disposition')).toMatch(/^attachment;/)
      expect(headers.get('x-content-type-options')).toBe('nosniff')
      expect(headers.get('content-security-policy')).toContain('sandbox')
    },
  )

  it.each(['image/png', 'text/plain', 'video/mp4'])('sends %s inline', async (type) => {
    const { token, url } = await stored(type)
    expect((await api('GET', url, { token })).headers.get('content-disposition')).toMatch(/^inline;/)
  })

  it('sends the file name in filename* (RFC 6266)', async () => {
    const { token } = await signIn()
    const { path } = await storeFile(token, { path: 'x/na"me €.txt' })
    const disposition = (await api('GET', fileUrl(path), { token })).headers.get('content-disposition')
    expect(disposition).toContain("filename*=UTF-8''na%22me%20%E2%82%AC.txt")
  })

  it('returns the file to its owner and admins and 404 to others', async () => {
    const { user, token } = await signIn()
    const { path } = await storeFile(token)
    const url = `/api/files/${user.id}/${path}`
    const read = await api('GET', url, { token: (await signIn({ role: 'admin' })).token })
    expect([read.status, read.headers.get('cache-control')]).toEqual([200, 'private, no-cache'])
    const missing = await api('GET', `/api/files/${user.id}/not-there`)
    for (const caller of [undefined, (await signIn()).token]) {
      const response = await api('GET', url, { token: caller })
      expect([response.status, response.json.error.code, response.json.error.message]).toEqual([
        ...[404, missing.json.error.code, missing.json.error.message],
      ])
    }
    await publish(token, path)
    expect((await api('GET', url)).text).toBe('hello')
  })

  it.each(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'])(
    'returns 401 for %s of `me` without credentials',
    async (method) => {
      expect((await api(method, '/api/files/me/a.txt')).status).toBe(401)
    },
  )

  it('returns 400 for an invalid owner', async () => {
    expect((await api('GET', '/api/files/99999999999/a.txt')).status).toBe(404)
    for (const owner of ['0', '-1', '1e3', 'you', '..', '01']) {
      expect((await api('GET', `/api/files/${owner}/a.txt`)).status).toBe(400)
    }
  })
})

describe('POST /api/files/:owner/…', () => {
  it('stores a private file and returns its metadata', async () => {
    const { user, token } = await signIn()
    const path = uniquePath('résumé 1.txt')
    const response = await api<File>('POST', fileUrl(path), {
      token,
      body: 'hello',
      headers: { 'Content-Type': 'text/plain; charset=UTF-8' },
    })
    expect(response.status).toBe(201)
    expect(response.json).toEqual({
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      ...{ path, ownerId: user.id, size: 5, mimeType: 'text/plain; charset=UTF-8', sha256: sha256('hello') },
      ...{ visibility: 'private', createdAt: expect.any(String), updatedAt: expect.any(String) },
    })
    const location = response.headers.get('location') ?? ''
    expect(location).toBe(`/api/files/${user.id}/${path.split('/').map(encodeURIComponent).join('/')}`)
    const read = await api('GET', location, { token })
    expect(read.text).toBe('hello')
    expect(read.headers.get('etag')).toBe(response.headers.get('etag'))
  })

  it('stores an empty file and a file without a type', async () => {
    const { token } = await signIn()
    const path = uniquePath()
    const response = await api<File>('POST', fileUrl(path), { token, body: new Uint8Array() })
    expect(response.json).toMatchObject({ size: 0, mimeType: 'application/octet-stream', sha256: sha256('') })
    expect((await api('GET', fileUrl(path), { token })).headers.get('content-length')).toBe('0')
  })

  it('returns 409 when the file exists', async () => {
    const { token } = await signIn()
    const { path } = await storeFile(token)
    const response = await api('POST', fileUrl(path), { token, body: 'other' })
    expect(response.status).toBe(409)
    expect(response.json.error.code).toBe('FILE_EXISTS')
    expect((await api('GET', fileUrl(path), { token })).text).toBe('hello')
  })

  it('treats paths with different Unicode normalization as equal', async () => {
    const { token } = await signIn()
    const path = uniquePath('é.txt')
    await storeFile(token, { path: path.normalize('NFD') })
    expect((await api('GET', fileUrl(path.normalize('NFC')), { token })).status).toBe(200)
    expect((await api('POST', fileUrl(path.normalize('NFC')), { token, body: 'x' })).status).toBe(409)
  })

  it.each(['text', 'text/', 'a b/c', `text/${'x'.repeat(300)}`, `text/${'x'.repeat(10_000)}`])(
    'returns 415 for the type %j',
    async (type) => {
      const { token } = await signIn()
      const response = await api('POST', fileUrl(uniquePath()), { token, body: 'x', headers: { 'Content-Type': type } })
      expect(response.status).toBe(415)
    },
  )

  it('returns 415 for a Content-Encoding', async () => {
    const { token } = await signIn()
    const headers = { 'Content-Encoding': 'gzip' }
    expect((await api('POST', fileUrl(uniquePath()), { token, body: 'x', headers })).status).toBe(415)
  })

  it('returns 400 for an unknown query parameter', async () => {
    const { token } = await signIn()
    expect((await api('POST', `${fileUrl(uniquePath())}?visibility=public`, { token, body: 'x' })).status).toBe(400)
  })

  it('returns 401 without credentials', async () => {
    expect((await api('POST', fileUrl(uniquePath()), { body: 'x' })).status).toBe(401)
    expect((await api('POST', '/api/files/1/a.txt', { body: 'x' })).status).toBe(401)
  })

  it('returns 404 to another user and to an admin', async () => {
    const { user } = await signIn()
    for (const role of ['user', 'admin'] as const) {
      const { token } = await signIn({ role })
      const response = await api('POST', `/api/files/${user.id}/${uniquePath()}`, { token, body: 'x' })
      expect(response.status).toBe(404)
    }
  })
})

describe('PUT /api/files/:owner/…', () => {
  it('creates a file, and replaces it without changing its visibility', async () => {
    const { token } = await signIn()
    const path = uniquePath()
    const created = await api<File>('PUT', fileUrl(path), { token, body: 'one' })
    expect(created.status).toBe(201)
    expect(created.headers.get('location')).not.toBeNull()
    await publish(token, path)
    const replaced = await api<File>('PUT', fileUrl(path), { token, body: 'second' })
    expect(replaced.status).toBe(200)
    expect(replaced.json).toMatchObject({
      id: created.json.id,
      size: 6,
      sha256: sha256('second'),
      visibility: 'public',
    })
    expect(replaced.headers.get('etag')).not.toBe(created.headers.get('etag'))
    expect((await api('GET', fileUrl(path), { token })).text).toBe('second')
  })

  it('returns 412 unless If-Match has the current version', async () => {
    const { token } = await signIn()
    const path = uniquePath()
    const etag = (await api('PUT', fileUrl(path), { token, body: 'one' })).headers.get('etag') ?? ''
    const put = (headers: Record<string, string>) => api('PUT', fileUrl(path), { token, body: 'two', headers })
    for (const stale of ['"other"', `W/${etag}`]) expect((await put({ 'If-Match': stale })).status).toBe(412)
    expect((await put({ 'If-None-Match': '*' })).status).toBe(412)
    expect((await put({ 'If-None-Match': etag })).status).toBe(412)
    expect((await put({ 'If-Unmodified-Since': 'Sat, 01 Jan 2000 00:00:00 GMT' })).status).toBe(412)
    expect((await api('GET', fileUrl(path), { token })).text).toBe('one')
    expect((await put({ 'If-Match': `"x", ${etag}` })).status).toBe(200)
    expect((await put({ 'If-Match': etag })).status).toBe(412)
    expect((await put({ 'If-Match': '*' })).status).toBe(200)
  })

  it('does not replace a file with If-None-Match: *', async () => {
    const { token } = await signIn()
    const path = uniquePath()
    const put = (headers: Record<string, string>) => api('PUT', fileUrl(path), { token, body: 'x', headers })
    expect((await put({ 'If-Match': '*' })).status).toBe(412)
    const responses = await Promise.all(Array.from({ length: 5 }, () => put({ 'If-None-Match': '*' })))
    expect(responses.map((response) => response.status).sort()).toEqual([201, 412, 412, 412, 412])
  })

  it('keeps the file intact under twenty concurrent replacements', async () => {
    const { token } = await signIn()
    const path = uniquePath()
    const bodies = Array.from({ length: 20 }, (_, index) => String(index).repeat(50_000 + index))
    const responses = await Promise.all(bodies.map((body) => api<File>('PUT', fileUrl(path), { token, body })))
    expect(responses.map((response) => response.status).sort()).toEqual([...Array(19).fill(200), 201])
    const read = await api('GET', fileUrl(path), { token })
    expect(bodies).toContain(read.text)
    expect(read.headers.get('etag')).toContain(sha256(read.text))
    const winner = responses.find((response) => response.headers.get('etag') === read.headers.get('etag'))
    expect(winner?.json.sha256).toBe(sha256(read.text))
  })

  it('returns 401 without credentials, and 403 or 404 to another user', async () => {
    const owner = await signIn()
    const { path } = await storeFile(owner.token)
    const url = `/api/files/${owner.user.id}/${path}`
    expect((await api('PUT', url, { body: 'x' })).status).toBe(401)
    const otherUser = await signIn()
    expect((await api('PUT', url, { token: otherUser.token, body: 'x' })).status).toBe(404)
    await publish(owner.token, path)
    expect((await api('PUT', url, { token: otherUser.token, body: 'x' })).status).toBe(403)
    expect((await api('GET', url)).text).toBe('hello')
  })
})

describe('PATCH /api/files/:owner/…', () => {
  it('renames a file, also to its own path, and returns 409 for a path in use', async () => {
    const { token } = await signIn()
    const { path, id } = await storeFile(token)
    const other = await storeFile(token)
    const target = uniquePath('b.txt')
    const patch = (from: string, json: object) => api<File>('PATCH', fileUrl(from), { token, json })
    expect((await patch(path, { path })).status).toBe(200)
    expect((await patch(path, { path: target })).json).toMatchObject({ id, path: target, size: 5 })
    expect((await api('GET', fileUrl(path), { token })).status).toBe(404)
    expect((await api('GET', fileUrl(target), { token })).text).toBe('hello')
    const taken = await api('PATCH', fileUrl(target), { token, json: { path: other.path } })
    expect([taken.status, taken.json.error.code]).toEqual([409, 'FILE_EXISTS'])
  })

  it('changes the visibility', async () => {
    const { token, user } = await signIn()
    const { path } = await storeFile(token)
    const url = `/api/files/${user.id}/${path}`
    expect((await api('GET', url)).status).toBe(404)
    expect((await publish(token, path)).json.visibility).toBe('public')
    const read = await api('GET', url)
    expect([read.text, read.headers.get('cache-control')]).toEqual(['hello', 'public, no-cache'])
    await api('PATCH', fileUrl(path), { token, json: { visibility: 'private' } })
    expect((await api('GET', url)).status).toBe(404)
  })

  it.each([{}, { visibility: 'family' }, { path: '../x' }, { path: '' }, { path: 7 }, { path: 'a//b' }, { size: 1 }])(
    'returns 400 for %j',
    async (json) => {
      const { token } = await signIn()
      const { path } = await storeFile(token)
      expect((await api('PATCH', fileUrl(path), { token, json })).status).toBe(400)
    },
  )

  it('keeps the owner whatever the new path is', async () => {
    const [owner, other] = [await signIn(), await signIn()]
    const { path } = await storeFile(owner.token)
    for (const json of [
      { path: `../${other.user.id}/x` },
      { path: `/${other.user.id}/x` },
      { path: `/api/files/${other.user.id}/x` },
      { path: `%2e%2e/${other.user.id}/x` },
      { path: 'x', ownerId: other.user.id },
    ]) {
      expect((await api('PATCH', fileUrl(path), { token: owner.token, json })).status).toBe(400)
    }
    const response = await api<File>('PATCH', fileUrl(path), {
      token: owner.token,
      json: { path: `${other.user.id}/x` },
    })
    expect(response.json).toMatchObject({ ownerId: owner.user.id, path: `${other.user.id}/x` })
    expect((await api<{ files: File[] }>('GET', '/api/files', { token: other.token })).json.files).toEqual([])
  })

  it('returns 412 unless If-Match has the current version', async () => {
    const { token } = await signIn()
    const { path } = await storeFile(token)
    const headers = { 'If-Match': '"other"' }
    expect((await api('PATCH', fileUrl(path), { token, json: { visibility: 'public' }, headers })).status).toBe(412)
    expect((await api('DELETE', fileUrl(path), { token, headers })).status).toBe(412)
  })

  it('returns 401 without credentials, and 403 or 404 to another user', async () => {
    const owner = await signIn()
    const { path } = await storeFile(owner.token)
    const url = `/api/files/${owner.user.id}/${path}`
    const json = { visibility: 'public' }
    expect((await api('PATCH', url, { json })).status).toBe(401)
    expect((await api('PATCH', url, { token: (await signIn()).token, json })).status).toBe(404)
  })
})

describe('DELETE /api/files/:owner/…', () => {
  it('deletes a file permanently', async () => {
    const { token } = await signIn()
    const { path } = await storeFile(token)
    expect((await api('DELETE', fileUrl(path), { token })).status).toBe(204)
    expect((await api('GET', fileUrl(path), { token })).status).toBe(404)
    expect((await api('DELETE', fileUrl(path), { token })).status).toBe(404)
  })

  it('returns 401 without credentials, and 403 or 404 to another user and an admin', async () => {
    const owner = await signIn()
    const { path } = await storeFile(owner.token)
    const url = `/api/files/${owner.user.id}/${path}`
    expect((await api('DELETE', url)).status).toBe(401)
    expect((await api('DELETE', url, { token: (await signIn()).token })).status).toBe(404)
    expect((await api('DELETE', url, { token: (await signIn({ role: 'admin' })).token })).status).toBe(403)
    expect((await api('GET', url, { token: owner.token })).status).toBe(200)
  })
})
