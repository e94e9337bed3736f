import type { User } from '@/lib/domains/users/schema'
import { api } from '../../support/api'
import { uniqueEmail, createUser, PASSWORD, signIn } from '../../support/factories'

type Users = { users: User[]; pagination: object }

describe('GET /api/users', () => {
  describe('success', () => {
    it('lists users to an admin, by page', async () => {
      const { token } = await signIn({ role: 'admin' })
      await Promise.all([createUser(), createUser(), createUser()])
      const response = await api<Users>('GET', '/api/users?limit=2&page=1', { token })
      expect(response.status).toBe(200)
      expect(response.json.users).toHaveLength(2)
      expect(response.json.pagination).toMatchObject({ page: 1, limit: 2 })
      expect(response.headers.get('link')).toContain('rel="next"')
    })

    it('finds users by a part of their name or address, in any case', async () => {
      const { token } = await signIn({ role: 'admin' })
      const user = await createUser({ name: 'Grace 100%_Hopper' })
      const found = await api<Users>('GET', `/api/users?q=${encodeURIComponent('100%_hop')}`, { token })
      expect(found.json.users.map((row) => row.id)).toEqual([user.id])
    })

    it('sorts by the given fields', async () => {
      const { token } = await signIn({ role: 'admin' })
      const mark = uniqueEmail().slice(0, 8)
      for (const letter of ['b', 'a', 'c']) await createUser({ email: `${mark}-${letter}@example.test` })
      const response = await api<Users>('GET', `/api/users?q=${mark}&sort=-email`, { token })
      expect(response.json.users.map((row) => row.email.at(-'a@example.test'.length))).toEqual(['c', 'b', 'a'])
    })
  })

  describe('validation', () => {
    it.each(['page=0', 'limit=101', 'limit=x', 'sort=passwordHash', 'role=root', 'surprise=1', 'page=1&page=2'])(
      'returns 400 for ?%s',
      async (query) => {
        const { token } = await signIn({ role: 'admin' })
        const response = await api('GET', `/api/users?${query}`, { token })
        expect(response.status).toBe(400)
        expect(response.json.error.code).toBe('VALIDATION_ERROR')
      },
    )
  })

  describe('by cursor', () => {
    it('returns every user once, with links to the first and the next page', async () => {
      const { token } = await signIn({ role: 'admin' })
      const mark = uniqueEmail().slice(0, 12)
      const made: number[] = []
      for (const letter of 'cabde') made.push((await createUser({ email: `${mark}-${letter}@b.test`, name: null })).id)
      const found: number[] = []
      let url = `/api/users?q=${mark}&sort=name&limit=2&cursor=`
      for (const size of [2, 2, 1]) {
        const { json, headers } = await api<Users & { pagination: { nextCursor: string | null } }>('GET', url, {
          token,
        })
        expect(json.users).toHaveLength(size)
        expect(json.pagination).toEqual({ limit: 2, nextCursor: size === 2 ? expect.any(String) : null })
        const links = headers.get('link') ?? ''
        expect(links).toContain(`</api/users?q=${mark}&sort=name&limit=2&cursor=>; rel="first"`)
        expect(links.includes('rel="next"')).toBe(size === 2)
        expect(links).not.toMatch(/rel="(prev|last)"/)
        url = /<([^>]+)>; rel="next"/.exec(links)?.[1] ?? ''
        found.push(...json.users.map((user) => user.id))
      }
      expect(found).toEqual(made)
    })

    it('returns 400 for invalid cursors and those of another order', async () => {
      const { token } = await signIn({ role: 'admin' })
      await Promise.all([createUser(), createUser()])
      type Part = Users & { pagination: { nextCursor: string } }
      const { json } = await api<Part>('GET', '/api/users?cursor=&limit=1', { token })
      const cursor = json.pagination.nextCursor
      const turned = `${cursor.slice(0, -2)}${cursor.at(-2) === 'A' ? 'B' : 'A'}${cursor.slice(-1)}`
      const forged = Buffer.from(JSON.stringify(['users', 0])).toString('base64url')
      const wrong = [`cursor=${turned}`, `cursor=${cursor}&sort=name`, `cursor=${cursor}&sort=-email`]
      wrong.push(`cursor=${forged}`, 'cursor=1', 'cursor=%00', `cursor=${cursor}%20`, `cursor=${'A'.repeat(4097)}`)
      wrong.push(`cursor=${cursor}&page=1`, 'cursor=&page=1')
      for (const query of wrong) {
        const response = await api('GET', `/api/users?limit=1&${query}`, { token })
        expect([query, response.status, Object.keys(response.json.error.details)]).toEqual([query, 400, ['cursor']])
      }
      expect((await api('GET', `/api/users?limit=1&cursor=${cursor}`, { token })).status).toBe(200)
    })
  })

  it('returns an empty page after the end with a link to the last page', async () => {
    const { token } = await signIn({ role: 'admin' })
    const { json, headers } = await api<Users>('GET', '/api/users?page=1000000000&limit=100', { token })
    expect(json.users).toEqual([])
    expect(headers.get('link')).toContain('page=1&limit=100>; rel="prev"')
    expect(headers.get('link')).not.toContain('rel="next"')
  })

  it('returns 401 without credentials', async () => {
    const response = await api('GET', '/api/users')
    expect(response.status).toBe(401)
    expect(response.headers.get('www-authenticate')).toBe('Bearer')
  })

  it('returns 403 to a user', async () => {
    const { token } = await signIn()
    expect((await api('GET', '/api/users', { token })).status).toBe(403)
  })
})

describe('POST /api/users', () => {
  it('creates an account without credentials, with the role user', async () => {
    const email = uniqueEmail()
    const response = await api('POST', '/api/users', {
      json: { email: ` ${email.toUpperCase()} `, password: PASSWORD },
    })
    expect(response.status).toBe(201)
    expect(response.json).toMatchObject({ email, name: null, role: 'user', emailVerified: false })
    expect(response.headers.get('location')).toBe(`/api/users/${response.json.id}`)
    const grab = await api('POST', '/api/users', { json: { email: uniqueEmail(), password: PASSWORD, role: 'admin' } })
    expect(grab.status).toBe(403)
  })

  it('lets an admin set the role', async () => {
    const { token } = await signIn({ role: 'admin' })
    const json = { email: uniqueEmail(), password: PASSWORD, role: 'admin' }
    expect((await api<User>('POST', '/api/users', { token, json })).json.role).toBe('admin')
  })

  it('creates one account per address in any case under concurrent requests', async () => {
    const email = uniqueEmail()
    const responses = await Promise.all(
      Array.from({ length: 10 }, (_, index) =>
        api('POST', '/api/users', {
          json: { email: index % 2 === 0 ? email : email.toUpperCase(), password: PASSWORD },
        }),
      ),
    )
    expect(responses.map((response) => response.status).sort()).toEqual([201, ...Array(9).fill(409)])
  })
})
