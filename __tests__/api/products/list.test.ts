import { randomUUID } from 'node:crypto'
import type { Product } from '@/lib/domains/products/schema'
import { api } from '../../support/api'
import { createProduct, signIn } from '../../support/factories'
import { withNames } from '../../support/each-rows'
import { createPost } from '../../support/families'

type Products = { products: Product[]; pagination: Record<string, unknown> }

const list = (query: string) => api<Products>('GET', `/api/products?${query}`)
const ids = ({ json }: { json: Products }) => json.products.map(({ id }) => id)

describe('GET /api/products by page and by cursor', () => {
  it('returns total, links and the end of the list', async () => {
    const category = randomUUID()
    const made = []
    for (let index = 0; index < 5; index += 1) made.push((await createProduct({ category, priceCents: 5 - index })).id)
    const base = `category=${category}&sort=priceCents&limit=2`
    const [first, last, beyond] = [await list(base), await list(`${base}&page=3`), await list(`${base}&page=9`)]
    expect(ids(first)).toEqual(made.toReversed().slice(0, 2))
    expect(first.json.pagination).toEqual({ page: 1, limit: 2, total: 5, pages: 3 })
    expect(last.json.pagination).toEqual({ page: 3, limit: 2, total: 5, pages: 3 })
    expect([ids(last), ids(beyond)]).toEqual([made.slice(0, 1), []])
    expect(beyond.json.pagination).toEqual({ page: 9, limit: 2, total: 5, pages: 3 })
    const relations = (link: string | null) => [...(link ?? '').matchAll(/rel="(\w+)"/g)].map(([, name]) => name)
    expect(relations(first.headers.get('link'))).toEqual(['first', 'next', 'last'])
    expect(relations(last.headers.get('link'))).toEqual(['first', 'prev', 'last'])

    const walked = []
    for (let url: string | undefined = `/api/products?${base}&cursor=`; url !== undefined;) {
      const part: Awaited<ReturnType<typeof list>> = await api<Products>('GET', url)
      walked.push(...ids(part))
      expect(Object.keys(part.json.pagination)).toEqual(['limit', 'nextCursor'])
      url = /<([^>]+)>; rel="next"/.exec(part.headers.get('link') ?? '')?.[1]
    }
    expect(walked).toEqual(made.toReversed())
  })

  it.each(['page=0', 'page=-1', 'page=1.5', 'page=1e1', 'page=', 'page=1&page=2', 'page=x', 'page=99999999999'])(
    'returns 400 for ?%s',
    async (query) => {
      const response = await list(query)
      expect(response.status).toBe(400)
    },
  )

  it.each(['limit=0', 'limit=101', 'limit=0x10', 'limit=1e1', 'limit=-1', 'limit=', 'limit=01', 'limit=1&limit=2'])(
    'returns 400 for ?%s',
    async (query) => {
      expect((await list(query)).status).toBe(400)
    },
  )
})

describe('cursors', () => {
  it('are rejected in another list or order, and when a character is changed', async () => {
    const category = randomUUID()
    for (let index = 0; index < 3; index += 1) await createProduct({ category })
    const author = await signIn()
    for (let index = 0; index < 2; index += 1) await createPost(author)
    const base = `category=${category}&limit=1`
    const cursorOf = async (query: string) => String((await list(`${query}&cursor=`)).json.pagination['nextCursor'])
    const cursor = await cursorOf(`${base}&sort=-priceCents`)
    expect((await list(`${base}&sort=-priceCents&cursor=${cursor}`)).status).toBe(200)
    const others = [
      ...['', '&sort=priceCents', '&sort=stock', '&sort=-priceCents,name'].map((order) => `${base}${order}`),
    ]
    for (const query of others) expect([query, (await list(`${query}&cursor=${cursor}`)).status]).toEqual([query, 400])
    const posts = await api<Products>('GET', `/api/posts?authorId=${author.user.id}&limit=1&cursor=`)
    const foreign = String(posts.json.pagination['nextCursor'])
    expect((await list(`${base}&cursor=${foreign}`)).status).toBe(400)
    expect((await api('GET', `/api/posts?cursor=${cursor}`)).status).toBe(400)
    for (let at = 0; at < cursor.length; at += 3) {
      const changed = `${cursor.slice(0, at)}${cursor[at] === 'A' ? 'B' : 'A'}${cursor.slice(at + 1)}`
      expect([at, (await list(`${base}&sort=-priceCents&cursor=${changed}`)).status]).toEqual([at, 400])
    }
  })

  it.each(['cursor=x', 'cursor=%00', `cursor=${'A'.repeat(5_000)}`, 'cursor=&cursor=', 'cursor=bnVsbA', 'cursor=%20'])(
    'return 400 for %s',
    async (query) => {
      const response = await list(query)
      expect([response.status, response.headers.get('content-type')]).toEqual([400, 'application/json; charset=utf-8'])
    },
  )
})

describe('product filters', () => {
  it.each(
    withNames([
      ['minPrice=-1', 'minPrice'],
      ['minPrice=2147483648', 'minPrice'],
      ['maxPrice=1e3', 'maxPrice'],
      ['maxPrice=1.5', 'maxPrice'],
      ['maxPrice=0x1', 'maxPrice'],
      ['maxPrice=', 'maxPrice'],
      ['minPrice=1&minPrice=2', 'minPrice'],
      ['inStock=1', 'inStock'],
      ['inStock=', 'inStock'],
      ['category=', 'category'],
      ['category=a&category=b', 'category'],
      [`category=${'x'.repeat(101)}`, 'category'],
      ['category=a%00', 'category'],
      ['q=', 'q'],
      ['q=a&q=b', 'q'],
      ['q=a%00b', 'q'],
      [`q=${'a'.repeat(10_240)}`, 'q'],
      ['sort=', 'sort'],
      ['sort=-', 'sort'],
      ['sort=sku', 'sort'],
      ['sort=name,name', 'sort'],
      ['sort=name,-name', 'sort'],
      ['sort=name,', 'sort'],
      ['sort=__proto__', 'sort'],
      ['sort=constructor', 'sort'],
      ['sort=name&sort=stock', 'sort'],
      ['sort=name%20desc', 'sort'],
      ['attributes[%00]=x', 'attributes[\0]'],
      ['constructor=x', 'constructor'],
      ['attributes=red', 'attributes'],
      ['attributes[]=red', 'attributes[]'],
      ['attributes[a][b]=1', 'attributes[a][b]'],
      ['attributes[a=1', 'attributes[a'],
      ['attributes[a]=1&attributes[a]=2', 'attributes[a]'],
      ['attributes[a]=%00', 'attributes[a]'],
      [`attributes[a]=${'x'.repeat(201)}`, 'attributes[a]'],
      [`attributes[${'x'.repeat(101)}]=1`, `attributes[${'x'.repeat(101)}]`],
      [Array.from({ length: 11 }, (_, index) => `attributes[a${index}]=1`).join('&'), 'query'],
    ]),
  )('return 400 for %s', async (_name, query, field) => {
    const response = await api('GET', `/api/products?${query}`)
    expect([response.status, Object.keys(response.json.error.details)]).toEqual([400, [field]])
    expect((await api('GET', `/api/products/export?${query}`)).status).toBe(400)
  })

  it('report all errors in one response', async () => {
    const response = await api('GET', '/api/products?minPrice=x&maxPrice=x&inStock=x&sort=x&limit=x&nope=x')
    expect(Object.keys(response.json.error.details).sort()).toEqual([
      ...['inStock', 'limit', 'maxPrice', 'minPrice', 'nope', 'sort'],
    ])
  })

  it.each(['attributes[__proto__]=x', 'attributes[constructor]=x', 'attributes[toString]=x'])(
    'find nothing by ?%s',
    async (query) => {
      expect(ids(await list(query))).toEqual([])
    },
  )

  it('find by an attribute of any name', async () => {
    const category = randomUUID()
    for (const name of ['constructor', 'toString', "'; --", 'a b', '色', '%', '"', '\\', 'a.b', '$.a', '😀']) {
      const value = randomUUID()
      const { id } = await createProduct({ category, attributes: { [name]: value } })
      expect([name, ids(await list(`attributes[${encodeURIComponent(name)}]=${value}`))]).toEqual([name, [id]])
    }
  })

  it('return an empty list if no product can match', async () => {
    for (const query of ['minPrice=2&maxPrice=1', 'q=!!!', 'category=%25', 'attributes[a]=']) {
      const response = await list(`${query}&attributes[${randomUUID()}]=1`)
      expect([query, response.status, response.json.products]).toEqual([query, 200, []])
    }
  })
})
