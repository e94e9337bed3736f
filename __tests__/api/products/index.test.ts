import { randomUUID } from 'node:crypto'
import type { Product } from '@/lib/domains/products/schema'
import { api } from '../../support/api'
import { createApiKey, createProduct, newProduct, signIn } from '../../support/factories'

type Products = { products: Product[] }

describe('GET /api/products', () => {
  it('filters by category, words, price, stock and attributes without credentials', async () => {
    const category = randomUUID()
    const wanted = await createProduct({
      category,
      name: 'Blue Chairs',
      priceCents: 500,
      stock: 1,
      attributes: { size: 42 },
    })
    await createProduct({ category, name: 'Table', priceCents: 900, stock: 0, attributes: { size: '43' } })
    for (const query of [
      'q=chair',
      'maxPrice=500',
      'inStock=true',
      'attributes[size]=42',
      'sort=priceCents&limit=1&cursor=',
    ]) {
      const response = await api<Products>('GET', `/api/products?category=${category}&${query}`)
      expect(response.json.products.map(({ id }) => id)).toEqual([wanted.id])
    }
  })

  it('returns cached responses until a write, which is visible to the next read', async () => {
    const { token } = await signIn({ role: 'admin' })
    const product = await createProduct()
    const url = `/api/products/${product.id}`
    expect((await api('GET', url)).headers.get('x-cache')).toBe('miss')
    const hit = await api('GET', url)
    expect(hit.headers.get('x-cache')).toBe('hit')
    const tag = hit.headers.get('etag') ?? ''
    expect((await api('GET', url, { headers: { 'If-None-Match': tag } })).status).toBe(304)
    const change = { token, json: { stock: 7 }, headers: { 'If-Match': tag } }
    const statuses = (
      await Promise.all([api('PATCH', url, change), api('PATCH', url, { ...change, json: { stock: 8 } })])
    ).map(({ status }) => status)
    expect(statuses.sort()).toEqual([200, 412])
    expect((await api<Product>('GET', url)).json.stock).not.toBe(product.stock)
    expect((await api('DELETE', url, { token })).status).toBe(204)
    expect((await api('GET', url)).status).toBe(404)
  })

  it.each(['minPrice=x', 'color=red', 'attributes[a][b]=1', 'sort=sku', 'page=1&cursor='])(
    'returns 400 for ?%s',
    async (query) => {
      expect((await api('GET', `/api/products?${query}`)).status).toBe(400)
    },
  )
})

describe('POST /api/products', () => {
  it('creates a product, and returns 409 for the same SKU', async () => {
    const { token } = await signIn({ role: 'admin' })
    const json = newProduct()
    const headers = { 'Idempotency-Key': randomUUID() }
    const response = await api<Product>('POST', '/api/products', { token, json, headers })
    expect(response.status).toBe(201)
    expect(response.json).toMatchObject(json)
    expect((await api('POST', '/api/products', { token, json, headers })).headers.get('idempotency-replayed')).toBe(
      'true',
    )
    const again = await api('POST', '/api/products', { token, json })
    expect([again.status, again.json.error.code]).toEqual([409, 'SKU_EXISTS'])
  })

  it.each([
    { priceCents: -1 },
    { stock: -1 },
    { currency: 'XXQ' },
    { attributes: [] },
    { attributes: { a: '\0' } },
    { sku: '' },
  ])('returns 400 for %j', async (wrong) => {
    const { token } = await signIn({ role: 'admin' })
    expect((await api('POST', '/api/products', { token, json: { ...newProduct(), ...wrong } })).status).toBe(400)
  })

  it('returns 401 without credentials and 403 for a user and for a key without the scope', async () => {
    const admin = await signIn({ role: 'admin' })
    const { token } = await signIn()
    const json = newProduct()
    expect((await api('POST', '/api/products', { json })).status).toBe(401)
    expect((await api('POST', '/api/products', { json, token })).status).toBe(403)
    const reader = await createApiKey(admin.user, ['products:read'])
    expect((await api('POST', '/api/products', { json, token: reader.key })).status).toBe(403)
    const writer = await createApiKey(admin.user, ['products:write'])
    expect((await api('POST', '/api/products', { json, token: writer.key })).status).toBe(201)
  })
})
