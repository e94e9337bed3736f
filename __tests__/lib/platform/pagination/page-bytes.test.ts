import { PAGE_BYTES_MAX } from '@/lib/platform/pagination/paginate'
import { prisma } from '@/lib/platform/db/prisma'
import { api, type ApiResponse } from '../../../support/api'
import { signIn } from '../../../support/factories'
import { createPost } from '../../../support/families'

type Item = { id: number }
type Posts = { posts: Item[]; pagination: { total?: number; pages?: number; nextCursor?: string | null } }

const CONTENT_MAX = 50_000
/** The envelope of the list and its last item may exceed the bound. */
const TOLERANCE = 1.01

function expectBounded({ status, text }: ApiResponse<unknown>): void {
  expect(status).toBe(200)
  expect(Buffer.byteLength(text)).toBeLessThan(PAGE_BYTES_MAX * TOLERANCE)
}

async function createLongPosts(character: string, count: number) {
  const author = await signIn()
  const made: number[] = []
  for (let index = 0; index < count; index += 1)
    made.push(await createPost(author, { content: character.repeat(CONTENT_MAX) }))
  return { url: `/api/posts?authorId=${author.user.id}&limit=100`, ids: made.toReversed() }
}

/** Reads the pages of a list by cursor. Each must be bounded, and all but the last must be nearly full. */
async function readByCursor(url: string): Promise<{ ids: number[]; pages: number }> {
  const ids: number[] = []
  let pages = 0
  for (let cursor: string | null | undefined = ''; typeof cursor === 'string'; pages += 1) {
    const page: ApiResponse<Posts> = await api<Posts>('GET', `${url}&cursor=${cursor}`)
    expectBounded(page)
    expect(page.json.posts.length).toBeGreaterThan(0)
    ids.push(...page.json.posts.map(({ id }) => id))
    cursor = page.json.pagination.nextCursor
  }
  return { ids, pages }
}

describe('pages of long rows', () => {
  it.each([
    ['one byte', 'a', 45, 3],
    ['three bytes', '한', 15, 3],
    ['one byte that JSON encodes in six', '\u0001', 8, 3],
  ])('end early by cursor, without a gap, with characters of %s', async (_, character, count, pages) => {
    const { url, ids } = await createLongPosts(character, count)
    expect(await readByCursor(url)).toEqual({ ids, pages })
  })

  it('end early by number, with a cursor that continues after the last item', async () => {
    const { url, ids } = await createLongPosts('a', 30)
    const page = await api<Posts>('GET', `${url}&page=1`)
    expectBounded(page)
    const sent = page.json.posts.map(({ id }) => id)
    expect(sent).toEqual(ids.slice(0, sent.length))
    expect(page.json.pagination).toMatchObject({ total: 30, pages: 1, nextCursor: expect.any(String) })
    const next = /<([^>]+)>; rel="next"/.exec(page.headers.get('link') ?? '')?.[1] ?? ''
    expect(next).not.toContain('page=')
    const rest = await api<Posts>('GET', next)
    expectBounded(rest)
    expect([...sent, ...rest.json.posts.map(({ id }) => id)]).toEqual(ids)
    expect(rest.json.pagination).toEqual({ limit: 100, nextCursor: null })
  })

  it('have no cursor by number when they are complete', async () => {
    const { url, ids } = await createLongPosts('a', 3)
    const page = await api<Posts>('GET', `${url}&page=1`)
    expect(page.json.posts.map(({ id }) => id)).toEqual(ids)
    expect(page.json.pagination).toEqual({ page: 1, limit: 100, total: 3, pages: 1 })
  })

  it('end early in other lists too', async () => {
    const { token } = await signIn({ role: 'admin' })
    const category = `long ${Date.now()}`
    await prisma().product.createMany({
      data: Array.from({ length: 60 }, (_, index) => ({
        sku: `${category} ${index}`,
        name: 'Engine',
        description: '한'.repeat(10_000),
        category,
        priceCents: 1,
        currency: 'USD',
      })),
    })
    const message = '\u0001'.repeat(5_000)
    await prisma().contactMessage.createMany({
      data: Array.from({ length: 60 }, () => ({ name: 'Ada', email: 'ada@example.com', message })),
    })
    const products = await api('GET', `/api/products?category=${category}&cursor=&limit=100`)
    expectBounded(products)
    expect(products.json.pagination).toMatchObject({ nextCursor: expect.any(String) })
    const contact = await api('GET', '/api/contact?cursor=&limit=100', { token })
    expectBounded(contact)
    expect(contact.json.pagination).toMatchObject({ nextCursor: expect.any(String) })
  })
})
