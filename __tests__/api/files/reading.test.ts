import { api } from '../../support/api'
import { signIn } from '../../support/factories'
import { mine, publish, storeFile } from '../../support/files'

const BODY = '0123456789'

async function stored(type = 'text/plain') {
  const { token } = await signIn()
  const { path } = await storeFile(token, { body: BODY, type })
  const url = mine(path)
  const { headers } = await api('GET', url, { token })
  return { token, url, path, etag: headers.get('etag') ?? '', lastModified: headers.get('last-modified') ?? '' }
}

describe('GET /api/files/:owner/…', () => {
  it.each([
    ['bytes=0-3', '0123', 'bytes 0-3/10'],
    ['bytes=4-', '456789', 'bytes 4-9/10'],
    ['bytes=-2', '89', 'bytes 8-9/10'],
    ['bytes=8-99', '89', 'bytes 8-9/10'],
    ['bytes=0-0', '0', 'bytes 0-0/10'],
    ['bytes=0-2,3-4', '01234', 'bytes 0-4/10'],
  ])('answers %s with that part', async (range, part, contentRange) => {
    const { token, url } = await stored()
    const answer = await api('GET', url, { token, headers: { Range: range } })
    expect([answer.status, answer.text]).toEqual([206, part])
    expect(answer.headers.get('content-range')).toBe(contentRange)
    expect(answer.headers.get('content-length')).toBe(String(part.length))
  })

  it.each(['bytes=10-', 'bytes=-0', 'bytes=50-60'])('refuses %s, which lies outside', async (range) => {
    const { token, url } = await stored()
    const answer = await api('GET', url, { token, headers: { Range: range } })
    expect([answer.status, answer.json.error.code]).toEqual([416, 'RANGE_NOT_SATISFIABLE'])
    expect(answer.headers.get('content-range')).toBe('bytes */10')
  })

  it.each(['bytes=0-1,5-6', 'lines=1-2', 'nonsense', 'bytes=x-y'])('answers %s with the whole', async (range) => {
    const { token, url } = await stored()
    const answer = await api('GET', url, { token, headers: { Range: range } })
    expect([answer.status, answer.text]).toEqual([200, BODY])
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
  ])('answers a range of %s with no more than the file, at once', async (_what, range) => {
    const { token, url } = await stored()
    const startedAt = performance.now()
    const answer = await api('GET', url, { token, headers: { Range: range } })
    expect(performance.now() - startedAt).toBeLessThan(1_000)
    expect([200, 206, 416]).toContain(answer.status)
    if (answer.status !== 416) expect(BODY).toContain(answer.text)
  })

  it('gives a part only of the version that the caller began with', async () => {
    const { token, url, etag, lastModified } = await stored()
    const get = (condition: string) => api('GET', url, { token, headers: { Range: 'bytes=5-', 'If-Range': condition } })
    expect((await get(etag)).status).toBe(206)
    expect((await get(lastModified)).status).toBe(206)
    for (const other of ['"other"', `W/${etag}`, 'Sat, 01 Jan 2000 00:00:00 GMT']) {
      expect(await get(other)).toMatchObject({ status: 200, text: BODY })
    }
  })

  it('answers 304 to whoever has the file', async () => {
    const { token, url, etag, lastModified } = await stored()
    for (const headers of [{ 'If-None-Match': `"x", W/${etag}` }, { 'If-Modified-Since': lastModified }] as const) {
      const answer = await api('GET', url, { token, headers: { ...headers } })
      expect([answer.status, answer.text, answer.headers.get('etag')]).toEqual([304, '', etag])
    }
    expect((await api('GET', url, { token, headers: { 'If-None-Match': '"x"' } })).status).toBe(200)
    expect((await api('GET', url, { token, headers: { 'If-Match': '"x"' } })).status).toBe(412)
  })

  it('answers HEAD with what GET says, without the bytes', async () => {
    const { token, url, etag } = await stored()
    const answer = await api('HEAD', url, { token, headers: { Range: 'bytes=0-3' } })
    expect([answer.status, answer.text, answer.headers.get('etag')]).toEqual([200, '', etag])
    expect(answer.headers.get('content-length')).toBe('10')
  })

  it.each(['text/html', 'image/svg+xml', 'text/xml', 'application/xhtml+xml', 'text/javascript', 'application/pdf'])(
    'sends %s for saving, sandboxed',
    async (type) => {
      const { token, url } = await stored(type)
      const { headers } = await api('GET', url, { token })
      expect(headers.get('content-type')).toBe(type)
      expect(headers.get('content-disposition')).toMatch(/^attachment;/)
      expect(headers.get('x-content-type-options')).toBe('nosniff')
      expect(headers.get('content-security-policy')).toContain('sandbox')
    },
  )

  it.each(['image/png', 'text/plain', 'video/mp4'])('lets a browser show %s', async (type) => {
    const { token, url } = await stored(type)
    expect((await api('GET', url, { token })).headers.get('content-disposition')).toMatch(/^inline;/)
  })

  it('names the file so that every browser understands', async () => {
    const { token } = await signIn()
    const { path } = await storeFile(token, { path: 'x/na"me €.txt' })
    const disposition = (await api('GET', mine(path), { token })).headers.get('content-disposition')
    expect(disposition).toContain("filename*=UTF-8''na%22me%20%E2%82%AC.txt")
  })

  it('is for the owner and admins, and others learn nothing of it', async () => {
    const { user, token } = await signIn()
    const { path } = await storeFile(token)
    const url = `/api/files/${user.id}/${path}`
    const read = await api('GET', url, { token: (await signIn({ role: 'admin' })).token })
    expect([read.status, read.headers.get('cache-control')]).toEqual([200, 'private, no-cache'])
    const missing = await api('GET', `/api/files/${user.id}/not-there`)
    for (const caller of [undefined, (await signIn()).token]) {
      const answer = await api('GET', url, { token: caller })
      expect([answer.status, answer.json.error.code, answer.json.error.message]).toEqual([
        ...[404, missing.json.error.code, missing.json.error.message],
      ])
    }
    await publish(token, path)
    expect((await api('GET', url)).text).toBe('hello')
  })

  it.each(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'])(
    'refuses %s of `me` without credentials',
    async (method) => {
      expect((await api(method, '/api/files/me/a.txt')).status).toBe(401)
    },
  )

  it('refuses owners that are none', async () => {
    expect((await api('GET', '/api/files/99999999999/a.txt')).status).toBe(404)
    for (const owner of ['0', '-1', '1e3', 'you', '..', '01']) {
      expect((await api('GET', `/api/files/${owner}/a.txt`)).status).toBe(400)
    }
  })
})
