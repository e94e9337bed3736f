import { prisma } from '@/lib/platform/db/prisma'
import { api } from '../support/api'
import { createApiKey, signIn, uniqueEmail } from '../support/factories'

type Results = {
  results: { id: string; status: number; headers: Record<string, string>; body: { id: number; title: string } }[]
}

const batch = (token: string | undefined, json: object, headers: Record<string, string> = {}) =>
  api<Results & { error: { code: string; details: Record<string, unknown> } }>('POST', '/api/batch', {
    token,
    json,
    headers,
  })

const post = (id: string, title: string) => ({
  ...{ id, method: 'POST', path: '/api/posts' },
  body: { title, content: 'text', visibility: 'public' },
})

const countPosts = (userId: number) => prisma().post.count({ where: { authorId: userId } })

describe('POST /api/batch', () => {
  it('runs operations that refer to earlier ones', async () => {
    const { token } = await signIn()
    const { status, json } = await batch(token, {
      operations: [
        { id: 'family', method: 'POST', path: '/api/families', body: { name: 'Lovelace' } },
        {
          ...{ id: 'post', method: 'POST', path: '/api/posts' },
          body: { title: 'Hi', content: 'text', visibility: 'family', familyId: { $ref: 'family.id' } },
        },
        { id: 'read', method: 'GET', path: '/api/posts/{post.id}' },
        { id: 'list', method: 'GET', path: '/api/posts?familyId={family.id}&fields=id' },
        { id: 'gone', method: 'DELETE', path: '/api/posts/{post.id}' },
      ],
    })
    expect(status).toBe(200)
    expect(json.results.map((result) => [result.id, result.status])).toEqual([
      ...[
        ['family', 201],
        ['post', 201],
        ['read', 200],
        ['list', 200],
        ['gone', 204],
      ],
    ])
    const [, created, read, , gone] = json.results
    expect(read?.body).toEqual(created?.body)
    expect(read?.headers['etag']).toBe(created?.headers['etag'])
    expect(created?.headers['location']).toBe(`/api/posts/${created?.body.id}`)
    expect(gone?.body).toBeNull()
  })

  it('rolls everything back at the first failure, and names the operation', async () => {
    const { token, user } = await signIn()
    const operations = [
      ...Array.from({ length: 49 }, (_, index) => post(`p${index}`, `Post ${index}`)),
      {
        id: 'last',
        method: 'PATCH',
        path: '/api/posts/{p0.id}',
        headers: { 'If-Match': '"other"' },
        body: { title: 'x' },
      },
    ]
    const { status, json } = await batch(token, { operations })
    expect([status, json.error.code, json.error.details]).toEqual([412, 'PRECONDITION_FAILED', { operation: 'last' }])
    expect(await countPosts(user.id)).toBe(0)
    const invalid = await batch(token, { operations: [post('a', 'One'), { ...post('b', ''), id: 'b' }] })
    expect([invalid.status, invalid.json.error.code]).toEqual([400, 'VALIDATION_ERROR'])
    expect(invalid.json.error.details).toMatchObject({ operation: 'b', title: expect.any(Array) })
    expect(await countPosts(user.id)).toBe(0)
  })

  it('lets each operation stand alone without atomic, and fails those that refer to a failed one with 424', async () => {
    const { token, user } = await signIn()
    for (const headers of [{}, { 'Idempotency-Key': 'alone' }]) {
      const { status, json } = await batch(
        token,
        {
          atomic: false,
          operations: [
            post('a', 'One'),
            { id: 'b', method: 'GET', path: '/api/posts/999999999' },
            { id: 'c', method: 'PATCH', path: '/api/posts/{b.id}', body: { title: 'x' } },
            { id: 'd', method: 'PATCH', path: '/api/posts/{a.nothing}', body: { title: 'x' } },
            { id: 'e', method: 'PATCH', path: '/api/posts/{a.id}', body: { title: 'Two' } },
          ],
        },
        headers,
      )
      expect([status, json.results.map((result) => result.status)]).toEqual([200, [201, 404, 424, 400, 200]])
    }
    expect(await countPosts(user.id)).toBe(2)
  })

  it('replays the whole batch for one key', async () => {
    const { token, user } = await signIn()
    const json = { operations: [post('a', 'One'), post('b', 'Two')] }
    const first = await batch(token, json, { 'Idempotency-Key': 'once' })
    const second = await batch(token, json, { 'Idempotency-Key': 'once' })
    expect(second.json).toEqual(first.json)
    expect(second.headers.get('idempotency-replayed')).toBe('true')
    expect(await countPosts(user.id)).toBe(2)
  })

  it('leaves nothing behind with Prefer: dry-run', async () => {
    const { token, user } = await signIn()
    const { status, json, headers } = await batch(token, { operations: [post('a', 'One')] }, { Prefer: 'dry-run' })
    expect([status, json.results[0]?.status, headers.get('preference-applied')]).toEqual([200, 201, 'dry-run'])
    expect(await countPosts(user.id)).toBe(0)
  })

  it('creates an account, a family, an invitation and a post for an admin, all or nothing', async () => {
    const { token } = await signIn({ role: 'admin' })
    const email = uniqueEmail()
    const operations = [
      { id: 'user', method: 'POST', path: '/api/users', body: { email, password: 'a long and rare one' } },
      { id: 'family', method: 'POST', path: '/api/families', body: { name: 'New' } },
      { id: 'invite', method: 'POST', path: '/api/families/{family.id}/invitations', body: { email } },
      post('post', 'Welcome'),
    ]
    const failing = await batch(token, {
      operations: [...operations, { id: 'x', method: 'GET', path: '/api/unknown' }],
    })
    expect([failing.status, failing.json.error.details['operation']]).toEqual([404, 'x'])
    expect(await prisma().user.count({ where: { email } })).toBe(0)
    const { json } = await batch(token, { operations })
    expect(json.results.map(({ status }) => status)).toEqual([201, 201, 201, 201])
  })

  it('applies the scopes of an API key to each operation', async () => {
    const { user } = await signIn()
    const { key } = await createApiKey(user, ['posts:read'])
    const operations = [{ id: 'list', method: 'GET', path: '/api/posts' }, post('a', 'One')]
    const { json } = await batch(key, { operations, atomic: false })
    expect(json.results.map(({ status }) => status)).toEqual([200, 403])
  })

  it.each([
    ['/api/auth/login'],
    ['/api/batch'],
    ['/api/upload'],
    ['/api/products/export'],
    ['/api/files/me/a.txt'],
    ['/api/events/stream'],
    ['/elsewhere'],
    ['/api/posts/%zz'],
  ])('rejects %s', async (path) => {
    const { token } = await signIn()
    const { status, json } = await batch(token, { operations: [{ id: 'a', method: 'GET', path }] })
    expect([status, json.error.code, Object.keys(json.error.details)]).toEqual([
      ...[400, 'VALIDATION_ERROR', ['operations.0.path']],
    ])
  })

  it('rejects 51 operations, repeated ids, credentials of an operation and anonymous callers', async () => {
    const { token } = await signIn()
    const hello = (id: string) => ({ id, method: 'GET', path: '/api/hello' })
    const many = Array.from({ length: 51 }, (_, index) => hello(`o${index}`))
    const authorized = [{ ...hello('a'), headers: { Authorization: 'Bearer x' } }]
    for (const operations of [[], many, [hello('a'), hello('a')], authorized]) {
      expect((await batch(token, { operations })).status).toBe(400)
    }
    expect((await batch(undefined, { operations: [hello('a')] })).status).toBe(401)
  })
})
