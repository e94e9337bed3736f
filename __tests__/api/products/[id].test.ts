import { randomUUID } from 'node:crypto'
import type { Product } from '@/lib/domains/products/schema'
import { prisma } from '@/lib/platform/db/prisma'
import { api } from '../../support/api'
import { createApiKey, createProduct, newProduct, signIn } from '../../support/factories'
import { withNames } from '../../support/each-rows'

const INT4_MAX = 2_147_483_647

const wrongNumbers = [-1, 1.5, INT4_MAX + 1, 2 ** 53, '1', null, true].flatMap((wrong): [object, string][] => [
  [{ stock: wrong }, 'stock'],
  [{ priceCents: wrong }, 'priceCents'],
])

const urlOf = ({ id }: { id: number }) => `/api/products/${id}`

/** Returns the ids of the products of a category, in the order of the list. */
async function listed(category: string | null): Promise<number[]> {
  const { json } = await api<{ products: Product[] }>('GET', `/api/products?category=${category}`)
  return json.products.map(({ id }) => id)
}

describe('GET /api/products/:id', () => {
  it('returns exactly the documented properties without credentials', async () => {
    const given = newProduct({ attributes: { size: 42, tags: ['a', null], deep: { x: true } } })
    const { id } = await createProduct(given)
    const response = await api<Product>('GET', `/api/products/${id}`)
    expect(response.status).toBe(200)
    expect(response.json).toEqual({ id, ...given, createdAt: expect.any(String), updatedAt: expect.any(String) })
  })

  it.each(['2147483648', '9007199254740993', '99999999999999999999999', '9'.repeat(300)])(
    'returns 404 for the unknown id %s',
    async (id) => {
      const response = await api('GET', `/api/products/${id}`)
      expect([response.status, response.json.error.code]).toEqual([404, 'NOT_FOUND'])
    },
  )

  it.each(['0', '-0', '-1', '+1', '01', '1e3', '0x1', '1.0', '%201', '1%20', '٣', 'NaN', 'Infinity', 'constructor'])(
    'returns 400 for the id %s',
    async (id) => {
      const response = await api('GET', `/api/products/${id}`)
      expect([response.status, Object.keys(response.json.error.details)]).toEqual([400, ['id']])
    },
  )
})

describe('PUT /api/products/:id', () => {
  it('replaces the product and resets omitted fields to their defaults', async () => {
    const { token } = await signIn({ role: 'admin' })
    const product = await createProduct({ stock: 5, category: 'chairs', attributes: { a: 1 } })
    const json = { sku: randomUUID(), name: ' Table ', priceCents: 0 }
    const response = await api<Product>('PUT', urlOf(product), { token, json })
    expect(response.status).toBe(200)
    expect(response.json).toMatchObject({
      ...{ id: product.id, sku: json.sku, name: 'Table', priceCents: 0, currency: 'USD' },
      ...{ description: '', category: null, stock: 0, attributes: {} },
    })
    expect(response.json.createdAt).toBe(product.createdAt.toISOString())
    expect((await api<Product>('GET', urlOf(product))).json).toEqual(response.json)
  })

  it('requires the mandatory fields, and returns 404 for an unknown id', async () => {
    const { token } = await signIn({ role: 'admin' })
    const product = await createProduct()
    const response = await api('PUT', urlOf(product), { token, json: {} })
    expect([response.status, Object.keys(response.json.error.details).sort()]).toEqual([
      400,
      ['name', 'priceCents', 'sku'],
    ])
    for (const method of ['PUT', 'PATCH', 'DELETE']) {
      const json = method === 'DELETE' ? undefined : newProduct()
      expect((await api(method, `/api/products/${INT4_MAX}`, { token, json })).status).toBe(404)
    }
  })
})

describe('PATCH /api/products/:id', () => {
  it('changes only the given fields', async () => {
    const { token } = await signIn({ role: 'admin' })
    const product = await createProduct({ category: 'chairs' })
    for (const json of [
      { stock: INT4_MAX, priceCents: INT4_MAX },
      { stock: 0, priceCents: 0 },
      { category: null },
      { name: ' \u{1F600} ', description: '' },
      { currency: 'JPY', attributes: {} },
    ]) {
      const before = (await api<Product>('GET', urlOf(product))).json
      const response = await api<Product>('PATCH', urlOf(product), { token, json })
      const trimmed = 'name' in json ? { ...json, name: '\u{1F600}' } : json
      expect(response.json).toEqual({ ...before, ...trimmed, updatedAt: expect.any(String) })
    }
  })

  it.each(
    withNames<[object, string]>([
      [{}, 'body'],
      ...wrongNumbers,
      [{ sku: ' ' }, 'sku'],
      [{ sku: 'x'.repeat(65) }, 'sku'],
      [{ sku: 'a\0b' }, 'sku'],
      [{ name: '' }, 'name'],
      [{ name: 'x'.repeat(201) }, 'name'],
      [{ name: '\ud800' }, 'name'],
      [{ description: 'x'.repeat(10_001) }, 'description'],
      [{ description: null }, 'description'],
      [{ category: '' }, 'category'],
      [{ category: 'x'.repeat(101) }, 'category'],
      [{ currency: 'eur' }, 'currency'],
      [{ currency: 'ZZZ' }, 'currency'],
      [{ currency: null }, 'currency'],
      [{ attributes: null }, 'attributes'],
      [{ attributes: '{}' }, 'attributes'],
      [{ attributes: { a: ['\0'] } }, 'attributes'],
      [{ attributes: { '\udfff': 1 } }, 'attributes'],
      [{ attributes: { '\0': 1 } }, 'attributes'],
      [{ attributes: { a: 'x'.repeat(16_377) } }, 'attributes'],
    ]),
  )('PATCH returns 400 for %s', async (_name, json, field) => {
    const { token } = await signIn({ role: 'admin' })
    const response = await api('PATCH', urlOf(await createProduct()), { token, json })
    expect([response.status, Object.keys(response.json.error.details)]).toEqual([400, [field]])
  })

  it.each([['1e400'], ['-1e400'], ['1e3.5']])('returns 400 for the number %s', async (number) => {
    const { token } = await signIn({ role: 'admin' })
    const product = await createProduct()
    const headers = { 'Content-Type': 'application/json' }
    const body = `{"stock":${number}}`
    expect((await api('PATCH', urlOf(product), { token, body, headers })).status).toBe(400)
  })

  it('returns 409 for the SKU of another product, but 412 first', async () => {
    const { token } = await signIn({ role: 'admin' })
    const [one, other] = [await createProduct(), await createProduct()]
    const call = { token, json: { sku: other.sku } }
    const response = await api('PATCH', urlOf(one), call)
    expect([response.status, response.json.error.code]).toEqual([409, 'SKU_EXISTS'])
    expect((await api('PATCH', urlOf(one), { ...call, headers: { 'If-Match': '"x"' } })).status).toBe(412)
    expect((await api('PATCH', urlOf(one), { token, json: { sku: one.sku } })).status).toBe(200)
  })
})

describe('product attributes', () => {
  it.each<[string, object]>([
    ['names that objects know', { toString: 'x', constructor: 'Ltd', hasOwnProperty: 1, valueOf: null, '': '' }],
    ['values that look alike', { a: '1', b: 1, c: 'true', d: true, e: null, f: 'null', g: [], h: {} }],
    ['numbers at the borders', { a: 1e308, b: -1e308, c: 5e-324, d: 9_007_199_254_740_991, e: 0.1, f: 1e21 }],
    ['what other scripts write', { größe: 'XL', 色: '赤', '😀': '👩‍👩‍👧', 'a b': '\u2028', "'; --": '\\u0000' }],
    ['escapes that are none', { a: '\\u0000', b: '\\\\ud800', c: '\\' }],
    ['16 KiB', { a: 'x'.repeat(16_376) }],
    ['64 levels of the body', JSON.parse(`{"a":${'['.repeat(62)}${']'.repeat(62)}}`)],
  ])('store %s unchanged', async (_what, attributes) => {
    const { token } = await signIn({ role: 'admin' })
    const json = { ...newProduct(), attributes }
    const made = await api<Product>('POST', '/api/products', { token, json })
    expect([made.status, made.json.attributes]).toEqual([201, attributes])
    expect((await api<Product>('GET', urlOf(made.json))).json.attributes).toEqual(attributes)
  })

  it.each([
    ['a level too many', `${'['.repeat(63)}${']'.repeat(63)}`],
    ['a hundred thousand levels', `${'['.repeat(100_000)}${']'.repeat(100_000)}`],
    ['many levels of objects', `${'{"a":'.repeat(50_000)}1${'}'.repeat(50_000)}`],
    ['numbers that PostgreSQL writes in full', `[${Array(300).fill('1e308').join()}]`],
    ['a prototype', '{"__proto__":{"a":1}}'],
    ['a prototype, escaped', '{"\\u005f_proto__":1}'],
    ['a prototype of a constructor', '{"constructor":{"prototype":{"a":1}}}'],
  ])('return 400 for %s', async (_what, value) => {
    const { token } = await signIn({ role: 'admin' })
    const { attributes: _left, ...rest } = newProduct()
    const body = `${JSON.stringify(rest).slice(0, -1)},"attributes":{"a":${value}}}`
    const response = await api('POST', '/api/products', {
      token,
      body,
      headers: { 'Content-Type': 'application/json' },
    })
    expect([response.status, response.json.error.code]).toEqual([400, 'VALIDATION_ERROR'])
    expect(Reflect.get({}, 'a')).toBeUndefined()
  })
})

describe('product writes', () => {
  it('are visible to the next read of the product and of lists', async () => {
    const { token } = await signIn({ role: 'admin' })
    const category = randomUUID()
    expect(await listed(category)).toEqual([])
    const made = await api<Product>('POST', '/api/products', { token, json: newProduct({ category }) })
    expect(await listed(category)).toEqual([made.json.id])
    const moved = randomUUID()
    await api('PATCH', urlOf(made.json), { token, json: { category: moved } })
    expect([await listed(category), await listed(moved)]).toEqual([[], [made.json.id]])
    expect((await api<Product>('GET', urlOf(made.json))).json.category).toBe(moved)
    await api('DELETE', urlOf(made.json), { token })
    expect(await listed(moved)).toEqual([])
    const headers = { 'If-None-Match': made.headers.get('etag') ?? '' }
    expect((await api('GET', urlOf(made.json), { headers })).status).toBe(404)
    expect((await api('GET', urlOf(made.json), { headers: { 'If-None-Match': '*' } })).status).toBe(404)
  })

  it('assign an SKU to one of several concurrent requests', async () => {
    const { token } = await signIn({ role: 'admin' })
    const json = newProduct()
    const made = await Promise.all(Array.from({ length: 8 }, () => api('POST', '/api/products', { token, json })))
    expect(made.map(({ status }) => status).sort()).toEqual([201, ...Array(7).fill(409)])
    const sku = randomUUID()
    const products = await Promise.all([createProduct(), createProduct(), createProduct()])
    const moved = await Promise.all(products.map((one) => api('PATCH', urlOf(one), { token, json: { sku } })))
    expect(moved.map(({ status }) => status).sort()).toEqual([200, 409, 409])
  })

  it('delete a product once, while concurrent changes succeed or return 404', async () => {
    const { token } = await signIn({ role: 'admin' })
    const product = await createProduct()
    const [changed, ...removed] = await Promise.all([
      api('PATCH', urlOf(product), { token, json: { stock: 1 } }),
      api('DELETE', urlOf(product), { token }),
      api('DELETE', urlOf(product), { token }),
    ])
    expect([200, 404]).toContain(changed.status)
    expect(removed.map(({ status }) => status).sort()).toEqual([204, 404])
    expect((await api('GET', urlOf(product))).status).toBe(404)
  })

  it('reject a negative stock by a database constraint', async () => {
    const { id } = await createProduct({ stock: 1 })
    const sell = (count: number) => prisma().$executeRaw`UPDATE products SET stock = stock - ${count} WHERE id = ${id}`
    await expect(sell(2)).rejects.toThrow('products_stock_check')
    const sold = await Promise.allSettled([sell(1), sell(1), sell(1)])
    expect(sold.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    expect((await api<Product>('GET', urlOf({ id }))).json.stock).toBe(0)
  })

  it.each([
    ['POST', () => '/api/products'],
    ['PUT', urlOf],
    ['PATCH', urlOf],
    ['DELETE', urlOf],
  ])('by %s require an admin or an admin’s API key with the scope', async (method, target) => {
    const [admin, user] = [await signIn({ role: 'admin' }), await signIn()]
    const attempt = async (token: string | undefined) => {
      const json = method === 'DELETE' ? undefined : newProduct()
      return (await api(method, target(await createProduct()), { token, json })).status
    }
    const keyOf = async (owner: typeof user, scope: 'products:read' | 'products:write') =>
      (await createApiKey(owner.user, [scope])).key
    expect(await attempt(undefined)).toBe(401)
    expect(await attempt(user.token)).toBe(403)
    expect(await attempt(await keyOf(user, 'products:write'))).toBe(403)
    expect(await attempt(await keyOf(admin, 'products:read'))).toBe(403)
    expect(await attempt(await keyOf(admin, 'products:write'))).toBeLessThan(300)
    expect(await attempt(admin.token)).toBeLessThan(300)
  })
})
