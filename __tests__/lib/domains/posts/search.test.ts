import { prisma } from '@/lib/platform/db/prisma'
import { signIn } from '../../../support/factories'
import { api } from '../../../support/api'

describe('the search of posts', () => {
  it('reads a stored vector through an index without a pending list', async () => {
    const [index] = await prisma().$queryRaw<{ options: string[] }[]>`
      SELECT reloptions AS options FROM pg_class WHERE relname = 'posts_search_idx'`
    expect(index?.options).toEqual(['fastupdate=off'])
    const plan = await prisma().$queryRaw<{ 'QUERY PLAN': string }[]>`
      EXPLAIN (VERBOSE) SELECT id FROM posts p WHERE p.search @@ plainto_tsquery('simple', 'word')`
    // Tokenizing the posts for every search is what made a few long ones stop it.
    expect(plan.map((line) => line['QUERY PLAN']).join('\n')).not.toMatch(/to_tsvector|tokenize/)
  })

  it('finds a word of the title and of the content, and follows changes', async () => {
    const { token } = await signIn()
    const found = async (q: string) =>
      (await api<{ posts: { id: number }[] }>('GET', `/api/posts?q=${q}`, { token })).json.posts.map(({ id }) => id)
    const word = `word${Date.now()}`
    const created = await api('POST', '/api/posts', {
      token,
      json: { title: `Title ${word}a`, content: `Content ${word}b`, visibility: 'private' },
    })
    const { id } = created.json
    expect(await found(`${word}a`)).toEqual([id])
    expect(await found(`${word}b`)).toEqual([id])
    await api('PATCH', `/api/posts/${id}`, { token, json: { content: `Other ${word}c` } })
    expect(await found(`${word}b`)).toEqual([])
    expect(await found(`${word}c`)).toEqual([id])
  })
})
