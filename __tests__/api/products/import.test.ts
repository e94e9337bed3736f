import { randomUUID } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import type { Product } from '@/lib/domains/products/schema'
import { prisma } from '@/lib/platform/db/prisma'
import { api, type Body } from '../../support/api'
import { createApiKey, createProduct, signIn } from '../../support/factories'

type Imported = Body & {
  created: number
  updated: number
  failed: number
  errors: { line: number; details: Record<string, string[]> }[]
}

const NDJSON = 'application/x-ndjson'
const CSV = 'text/csv'

let token: string
beforeAll(async () => {
  token = (await signIn({ role: 'admin' })).token
})

const send = (type: string, body: BodyInit, headers: Record<string, string> = {}) =>
  api<Imported>('POST', '/api/products/import', { token, body, headers: { 'Content-Type': type, ...headers } })

const find = (sku: string) => prisma().product.findUnique({ where: { sku } })

describe('POST /api/products/import', () => {
  it.each(['application/x-ndjson', 'text/csv'])('imports an export in %s', async (type) => {
    const { token } = await signIn({ role: 'admin' })
    const category = randomUUID()
    const given = { category, name: '=1+1', description: 'a\r\nb, "c"\n', attributes: { a: ['x', 1, null] } }
    await createProduct(given)
    await createProduct({ category, name: "'=x" })
    const url = `/api/products/export?category=${category}`
    const before = await api('GET', url, { headers: { Accept: type } })
    const call = { token, body: before.text, headers: { 'Content-Type': type } }
    const response = await api('POST', '/api/products/import', call)
    expect(response.json).toEqual({ created: 0, updated: 2, failed: 0, errors: [] })
    expect((await api('GET', url, { headers: { Accept: type } })).text).toBe(before.text)
  })

  it('imports valid lines, reports invalid ones by number, and applies the last line of an SKU', async () => {
    const { token } = await signIn({ role: 'admin' })
    const sku = randomUUID()
    const lines = [
      'sku,name,priceCents',
      `${sku},A,1`,
      `${randomUUID()},"B,2`,
      `${randomUUID()},C,-3`,
      `${sku},D,4`,
      'x',
    ]
    const call = { token, body: lines.join('\n'), headers: { 'Content-Type': 'text/csv' } }
    const response = await api<{ created: number; updated: number; failed: number; errors: { line: number }[] }>(
      'POST',
      '/api/products/import',
      call,
    )
    expect(response.json).toMatchObject({ created: 1, updated: 1, failed: 3 })
    expect(response.json.errors.map(({ line }) => line)).toEqual([3, 4, 6])
  })

  it('applies the last line of an SKU, also across batches', async () => {
    const sku = randomUUID()
    const line = (priceCents: number, as = sku) => JSON.stringify({ sku: as, name: 'Chair', priceCents })
    const others = Array.from({ length: 1_100 }, (_, index) => line(1, `${sku}-${index}`))
    const { json } = await send(NDJSON, [line(1), ...others, line(2), line(-1), ` ${line(3, ` ${sku} `)} `].join('\n'))
    expect(json).toMatchObject({ created: 1_101, updated: 2, failed: 1 })
    expect((await find(sku))?.priceCents).toBe(3)
  })

  it('replaces whole products and does not touch unchanged ones', async () => {
    const product = await createProduct({ description: 'Old', attributes: { a: 1 } })
    const { sku, name, priceCents } = product
    await send(NDJSON, JSON.stringify({ ...product, createdAt: undefined }))
    expect((await find(sku))?.updatedAt).toEqual(product.updatedAt)
    await send(CSV, `sku,name,priceCents\n${sku},"${name}",${priceCents}`)
    expect(await find(sku)).toMatchObject({ id: product.id, description: '', attributes: {}, currency: 'USD' })
  })

  it('ignores id and timestamps in a line', async () => {
    const product = await createProduct()
    const sku = randomUUID()
    const times = { createdAt: '2001-01-01T00:00:00.000Z', updatedAt: '2001-01-01T00:00:00.000Z' }
    await send(NDJSON, JSON.stringify({ id: product.id, sku, name: 'A', priceCents: 1, ...times }))
    await send(CSV, `id,sku,name,priceCents,createdAt\n${product.id},${sku}-2,A,1,${times.createdAt}`)
    expect((await find(product.sku))?.name).toBe(product.name)
    for (const made of [await find(sku), await find(`${sku}-2`)]) {
      expect(made?.id).toBeGreaterThan(product.id)
      expect(made?.createdAt.getUTCFullYear()).toBeGreaterThan(2001)
    }
  })

  it('is visible to the next read', async () => {
    const product = await createProduct()
    const url = `/api/products/${product.id}`
    const tag = (await api('GET', url)).headers.get('etag') ?? ''
    await send(NDJSON, JSON.stringify({ sku: product.sku, name: 'Renamed', priceCents: 1 }))
    const response = await api<Product>('GET', url, { headers: { 'If-None-Match': tag } })
    expect([response.status, response.json.name]).toEqual([200, 'Renamed'])
  })

  it.each([
    ['an empty NDJSON', NDJSON, ''],
    ['empty lines', NDJSON, '\n\r\n \n'],
    ['a byte order mark alone', NDJSON, '\u{FEFF}'],
    ['an empty CSV', CSV, ''],
    ['a header alone', CSV, 'sku,name,priceCents'],
    ['a header and empty lines', CSV, '\u{FEFF}sku,name,priceCents\r\n\r\n\n'],
  ])('imports nothing from %s', async (_what, type, body) => {
    const { status, json } = await send(type, body)
    expect([status, json]).toEqual([200, { created: 0, updated: 0, failed: 0, errors: [] }])
  })

  it('has the same result for concurrent imports of the same products in any order', async () => {
    const skus = Array.from({ length: 300 }, () => randomUUID())
    const body = (order: readonly string[], priceCents: number) =>
      order.map((sku) => JSON.stringify({ sku, name: 'A', priceCents })).join('\n')
    const responses = await Promise.all([
      send(NDJSON, body(skus, 1)),
      send(NDJSON, body(skus.toReversed(), 2)),
      send(NDJSON, body(skus.toSorted(), 3)),
    ])
    const sum = (key: 'created' | 'updated' | 'failed') => responses.reduce((total, { json }) => total + json[key], 0)
    expect([sum('created'), sum('updated'), sum('failed')]).toEqual([300, 600, 0])
    expect(await prisma().product.count({ where: { sku: { in: skus } } })).toBe(300)
  })
})

describe('an invalid line', () => {
  const rest = '"name":"A","priceCents":1'
  const deep = `${'['.repeat(120_000)}${']'.repeat(120_000)}`

  it.each<[string, string, string]>([
    ['no JSON', '{', 'line'],
    ['JSON that is no object', '[]', 'line'],
    ['null', 'null', 'line'],
    ['a number', '1', 'line'],
    ['two objects', '{}{}', 'line'],
    ['NUL', `{"sku":"a\\u0000",${rest}}`, 'sku'],
    ['NUL as a byte', '{"sku":"a\0"}', 'line'],
    ['half a pair', `{"sku":"\\ud800",${rest}}`, 'sku'],
    ['half a pair in attributes', `{"sku":"a",${rest},"attributes":{"\\udc00":1}}`, 'attributes'],
    ['NUL in attributes', `{"sku":"a",${rest},"attributes":{"a":["\\u0000"]}}`, 'attributes'],
    ['a prototype', `{"sku":"a",${rest},"__proto__":{"stock":1}}`, 'line'],
    ['a prototype in attributes', `{"sku":"a",${rest},"attributes":{"__proto__":1}}`, 'line'],
    ['an unknown key', `{"sku":"a",${rest},"authorId":1}`, 'authorId'],
    ['a price as text', '{"sku":"a","name":"A","priceCents":"1"}', 'priceCents'],
    ['a price beyond int4', '{"sku":"a","name":"A","priceCents":2147483648}', 'priceCents'],
    ['a price beyond numbers', '{"sku":"a","name":"A","priceCents":1e400}', 'priceCents'],
    ['half a cent', '{"sku":"a","name":"A","priceCents":0.5}', 'priceCents'],
    ['a stock below nought', `{"sku":"a",${rest},"stock":-1}`, 'stock'],
    ['deep attributes', `{"sku":"a",${rest},"attributes":{"a":${deep}}}`, 'attributes'],
    ['a deep name', `{"sku":"a","priceCents":1,"name":${deep}}`, 'name'],
    ['too large attributes', `{"sku":"a",${rest},"attributes":{"a":"${'x'.repeat(16_384)}"}}`, 'attributes'],
    ['numbers written in full', `{"sku":"a",${rest},"attributes":{"a":[${Array(300).fill('1e308').join()}]}}`, 'line'],
    ['300 kB', `{"sku":"a",${rest},"description":"${'x'.repeat(300_000)}"}`, 'line'],
  ])('of NDJSON with %s is reported and skipped', async (_what, line, field) => {
    const [before, after] = [randomUUID(), randomUUID()]
    const good = (sku: string) => `{"sku":"${sku}",${rest}}`
    const { status, json } = await send(NDJSON, [good(before), line, good(after)].join('\n'))
    expect(status).toBe(200)
    expect(json).toEqual({
      ...{ created: 2, updated: 0, failed: 1 },
      errors: [{ line: 2, details: { [field]: [expect.any(String)] } }],
    })
    expect([await find(before), await find(after)]).toEqual([expect.any(Object), expect.any(Object)])
  })

  it('with invalid UTF-8 is reported and skipped', async () => {
    const [before, after] = [randomUUID(), randomUUID()]
    for (const bytes of [[0xff], [0xc0, 0xaf], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xe2, 0x82]]) {
      const body = Buffer.concat([
        Buffer.from(`sku,name,priceCents\n${before},A,1\n${randomUUID()},`),
        Buffer.from(bytes),
        Buffer.from(`,1\n${after},A,1`),
      ])
      const { json } = await send(CSV, new Uint8Array(body))
      expect([json.failed, json.errors]).toEqual([1, [{ line: 3, details: { line: ['must be UTF-8'] } }]])
    }
    expect([await find(before), await find(after)]).toEqual([expect.any(Object), expect.any(Object)])
  })

  it('of CSV is reported with the number of its first line', async () => {
    const sku = randomUUID()
    const lines = [
      ...['sku,name,priceCents,stock,attributes', `${sku},"two\nlines",1,,`],
      ...['too,few', 'a,b,1,1,,too many', 'x\0,A,1,,', 'y,A,1e3,,', 'y,A,-1,,', 'y,A, 1,,'],
      ...['y,A,2147483648,,', 'y,A,1,,{', 'y,A,1,,"[]"', 'y,A,1,,null', ',A,1,,', '"y,A,1,,'],
      `${sku}-2,"say ""hi""",0,0,"{""a"":1}"`,
    ]
    const { json } = await send(CSV, lines.join('\r\n'))
    expect(await find(sku)).toMatchObject({ name: 'two\nlines', stock: 0 })
    expect(await find(`${sku}-2`)).toMatchObject({ name: 'say "hi"', attributes: { a: 1 } })
    expect(json.errors.map(({ line }) => line)).toEqual([4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15])
  })

  it('of CSV does not change a prototype', async () => {
    for (const cell of ['{""__proto__"":{""a"":1}}', '{""x"":{""__proto__"":1}}']) {
      const { json } = await send(CSV, `sku,name,priceCents,attributes\n${randomUUID()},A,1,"${cell}"`)
      expect([json.created, json.failed, Reflect.get({}, 'a')]).toEqual([0, 1, undefined])
    }
  })

  it('is only counted after the first 100', async () => {
    const { json } = await send(NDJSON, '1\n'.repeat(1_500))
    expect([json.failed, json.errors.map(({ line }) => line)]).toEqual([
      1_500,
      Array.from({ length: 100 }, (_, index) => index + 1),
    ])
  })
})

describe('a rejected import', () => {
  it.each([
    ['application/json', '{}'],
    ['text/plain', 'sku,name,priceCents'],
    ['text/csv; charset=utf-16', ''],
    ['application/x-ndjson; charset=latin1', ''],
    ['application/octet-stream', ''],
    ['multipart/form-data; boundary=x', ''],
    ['nonsense', ''],
  ])('returns 415 for the media type %s', async (type, body) => {
    const response = await send(type, body)
    expect([response.status, response.json.error.code]).toEqual([415, 'UNSUPPORTED_MEDIA_TYPE'])
  })

  it('returns 415 without a media type and for compressed bodies', async () => {
    const bytes = new Uint8Array(Buffer.from('{}'))
    expect((await api('POST', '/api/products/import', { token, body: bytes })).status).toBe(415)
    expect((await api('POST', '/api/products/import', { token })).status).toBe(415)
    const line = JSON.stringify({ sku: randomUUID(), name: 'A', priceCents: 1 })
    for (const encoding of ['gzip', 'br', 'deflate', 'gzip, identity']) {
      const response = await send(NDJSON, new Uint8Array(gzipSync(line)), { 'Content-Encoding': encoding })
      expect([encoding, response.status, response.json.error.code]).toEqual([encoding, 415, 'UNSUPPORTED_MEDIA_TYPE'])
    }
    expect((await send(`${NDJSON}; charset=UTF-8`, '', { 'Content-Encoding': 'identity' })).status).toBe(200)
  })

  it.each([
    ['sku,name', ['priceCents']],
    ['name,priceCents', ['sku']],
    ['sku,name,priceCents,colour', ['colour']],
    ['sku,name,priceCents,sku', ['sku']],
    ['sku,name,priceCents,', ['']],
    ['SKU,name,priceCents', ['SKU', 'sku']],
    ['sku;name;priceCents', ['name', 'priceCents', 'sku', 'sku;name;priceCents']],
    ['__proto__,constructor', ['__proto__', 'constructor', 'name', 'priceCents', 'sku']],
    ['"sku,name,priceCents', ['header']],
  ])('returns 400 for the header %j', async (header, fields) => {
    const response = await send(CSV, `${header}\n1,2,3,4\n`)
    expect([response.status, Object.keys(response.json.error.details).sort()]).toEqual([400, fields])
  })

  it('returns 401 or 403 before the body is read', async () => {
    const [user, admin] = [await signIn(), await signIn({ role: 'admin' })]
    const sku = randomUUID()
    const attempt = async (as: string | undefined) => {
      const body = JSON.stringify({ sku, name: 'A', priceCents: 1 })
      const call = { token: as, body, headers: { 'Content-Type': NDJSON } }
      return (await api('POST', '/api/products/import', call)).status
    }
    expect(await attempt(undefined)).toBe(401)
    expect(await attempt(user.token)).toBe(403)
    expect(await attempt((await createApiKey(user.user, ['products:write'])).key)).toBe(403)
    expect(await attempt((await createApiKey(admin.user, ['products:read'])).key)).toBe(403)
    expect(await find(sku)).toBeNull()
    expect(await attempt((await createApiKey(admin.user, ['products:write'])).key)).toBe(200)
  })
})
