import type { Family } from '@/lib/domains/families/schema'
import { api } from '../../support/api'
import { createApiKey, signIn } from '../../support/factories'
import { createFamily } from '../../support/families'

type Families = { families: Family[]; pagination: { total: number; nextCursor: string | null } }

describe('GET /api/families', () => {
  it('lists only the families of the caller', async () => {
    const [me, other] = [await signIn(), await signIn()]
    const mine = [await createFamily({ owners: [me] }), await createFamily({ owners: [other], members: [me] })]
    await createFamily({ owners: [other] })
    const response = await api<Families>('GET', '/api/families', { token: me.token })
    expect(response.status).toBe(200)
    expect(response.json.families.map(({ id }) => id)).toEqual(mine.map(({ id }) => id))
    expect(Object.keys(response.json.families[0] ?? {})).toEqual(['id', 'name', 'createdAt', 'updatedAt'])
    expect(response.json.pagination.total).toBe(2)
  })

  it('returns the same list by cursor', async () => {
    const me = await signIn()
    const mine = [await createFamily({ owners: [me] }), await createFamily({ owners: [me] })]
    const first = await api<Families>('GET', '/api/families?cursor=&limit=1', { token: me.token })
    const { nextCursor } = first.json.pagination
    const second = await api<Families>('GET', `/api/families?cursor=${nextCursor}&limit=1`, { token: me.token })
    expect([first, second].map(({ json }) => json.families[0]?.id)).toEqual(mine.map(({ id }) => id))
    expect(second.json.pagination.nextCursor).toBeNull()
  })

  it('returns only their own families to an admin', async () => {
    await createFamily({ owners: [await signIn()] })
    const { token } = await signIn({ role: 'admin' })
    expect((await api<Families>('GET', '/api/families', { token })).json.families).toEqual([])
  })

  it.each(['page=0', 'limit=0', 'sort=name', 'q=x'])('returns 400 for ?%s', async (query) => {
    const { token } = await signIn()
    const response = await api('GET', `/api/families?${query}`, { token })
    expect([response.status, response.json.error.code]).toEqual([400, 'VALIDATION_ERROR'])
  })

  it('returns 401 without credentials', async () => {
    expect((await api('GET', '/api/families')).status).toBe(401)
  })

  it('returns 403 for an API key without families:read', async () => {
    const { user } = await signIn()
    const good = await createApiKey(user, ['families:read'])
    const bad = await createApiKey(user, ['families:write', 'users:read'])
    expect((await api('GET', '/api/families', { token: good.key })).status).toBe(200)
    expect((await api('GET', '/api/families', { token: bad.key })).status).toBe(403)
  })
})

describe('POST /api/families', () => {
  it('creates a family with the caller as owner', async () => {
    const { user, token } = await signIn()
    const made = await api<Family>('POST', '/api/families', { token, json: { name: ' The Lovelaces ' } })
    expect(made.status).toBe(201)
    expect(made.json.name).toBe('The Lovelaces')
    expect(made.headers.get('location')).toBe(`/api/families/${made.json.id}`)
    const shown = await api<{ members: object[] }>('GET', `/api/families/${made.json.id}`, { token })
    expect(shown.json.members).toEqual([
      { user: { id: user.id, name: user.name, email: user.email }, role: 'owner', joinedAt: expect.any(String) },
    ])
  })

  it.each([
    {},
    { name: '' },
    { name: '  ' },
    { name: 'x'.repeat(101) },
    { name: 5 },
    { name: 'a\0b' },
    { name: 'a\nb' },
  ])('returns 400 for %j', async (json) => {
    const { token } = await signIn()
    const response = await api('POST', '/api/families', { token, json })
    expect([response.status, Object.keys(response.json.error.details)]).toEqual([400, ['name']])
  })

  it('returns 400 for id, owner or timestamps', async () => {
    const { token } = await signIn()
    const json = { name: 'x', id: 1, ownerId: 1, createdAt: '2020-01-01', members: [] }
    const response = await api('POST', '/api/families', { token, json })
    expect(Object.keys(response.json.error.details).sort()).toEqual(['createdAt', 'id', 'members', 'ownerId'])
  })

  it('returns 401 without credentials', async () => {
    expect((await api('POST', '/api/families', { json: { name: 'x' } })).status).toBe(401)
  })

  it('returns 403 for an API key without families:write', async () => {
    const { key } = await createApiKey((await signIn()).user, ['families:read'])
    expect((await api('POST', '/api/families', { token: key, json: { name: 'x' } })).status).toBe(403)
  })
})
