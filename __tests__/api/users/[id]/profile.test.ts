import type { Profile } from '@/lib/domains/profiles/schema'
import { api } from '../../../support/api'
import { createApiKey, signIn } from '../../../support/factories'

const EMPTY = { bio: null, avatarUrl: null, location: null, website: null, birthDate: null }
const FULL = {
  bio: 'I write about engines.\nAnd about looms.',
  avatarUrl: 'https://example.test/ada.png?size=2',
  location: 'London',
  website: 'http://example.test',
  birthDate: '1996-02-29',
}

const urlOf = (id: number | string) => `/api/users/${id}/profile`

describe('GET /api/users/:id/profile', () => {
  it('returns the profile to any user', async () => {
    const [ada, other] = [await signIn(), await signIn()]
    expect((await api('GET', urlOf(ada.user.id), { token: other.token })).json).toEqual(EMPTY)
    await api('PUT', urlOf(ada.user.id), { token: ada.token, json: FULL })
    const response = await api('GET', urlOf(ada.user.id), { token: other.token })
    expect([response.status, response.json]).toEqual([200, FULL])
  })

  it('returns 404 for a missing user', async () => {
    const { token } = await signIn()
    expect((await api('GET', urlOf(2_147_483_647), { token })).status).toBe(404)
  })

  it('returns 401 without credentials and 403 for an API key without users:read', async () => {
    const { user } = await signIn()
    const { key } = await createApiKey(user, ['users:write', 'posts:read'])
    expect((await api('GET', urlOf(user.id))).status).toBe(401)
    expect((await api('GET', urlOf(user.id), { token: key })).status).toBe(403)
  })
})

describe('PUT /api/users/:id/profile', () => {
  it('replaces the whole profile', async () => {
    const { user, token } = await signIn()
    const first = await api<Profile>('PUT', urlOf(user.id), { token, json: FULL })
    expect([first.status, first.json]).toEqual([200, FULL])
    const second = await api('PUT', urlOf(user.id), { token, json: { location: ' Turin ' } })
    expect(second.json).toEqual({ ...EMPTY, location: 'Turin' })
    const third = await api('PUT', urlOf(user.id), { token, json: {} })
    expect(third.json).toEqual(EMPTY)
  })

  it('allows the user and admins, and returns 403 to others, whether or not the user exists', async () => {
    const [ada, other, admin] = [await signIn(), await signIn(), await signIn({ role: 'admin' })]
    const put = async (id: number, token?: string) => (await api('PUT', urlOf(id), { token, json: FULL })).status
    expect(await put(ada.user.id, admin.token)).toBe(200)
    expect(await put(ada.user.id, other.token)).toBe(403)
    expect(await put(2_147_483_647, other.token)).toBe(403)
    expect(await put(2_147_483_647, admin.token)).toBe(404)
    expect(await put(ada.user.id)).toBe(401)
    const { key } = await createApiKey(ada.user, ['users:read'])
    expect(await put(ada.user.id, key)).toBe(403)
  })

  it('accepts concurrent requests that create the profile', async () => {
    const { user, token } = await signIn()
    const put = () => api('PUT', urlOf(user.id), { token, json: FULL })
    const responses = await Promise.all(Array.from({ length: 6 }, put))
    expect(responses.map(({ status }) => status)).toEqual(Array(6).fill(200))
  })

  it.each([
    { birthDate: '2023-02-29' },
    { birthDate: '1990-13-01' },
    { birthDate: '1990-1-1' },
    { birthDate: '1899-12-31' },
    { birthDate: '9999-12-31' },
    { birthDate: '1990-01-01T00:00:00Z' },
    { birthDate: 631152000000 },
    { birthDate: '' },
    { website: 'javascript:alert(1)' },
    { website: 'JAVASCRIPT://example.test/%0aalert(1)' },
    { website: 'data:text/html,x' },
    { website: 'ftp://example.test' },
    { website: '//example.test' },
    { website: 'http:example.test' },
    { website: 'http://' },
    { website: 'https://exa mple.test' },
    { website: 'https://example.test/"><script>' },
    { website: `https://example.test/${'x'.repeat(2048)}` },
    { avatarUrl: 'not a url' },
    { avatarUrl: 5 },
    { bio: 'x'.repeat(2001) },
    { bio: 'a\0b' },
    { location: 'x'.repeat(101) },
    { userId: 1 },
  ])('returns 400 for %j', async (json) => {
    const { user, token } = await signIn()
    const response = await api('PUT', urlOf(user.id), { token, json })
    expect([response.status, Object.keys(response.json.error.details)]).toEqual([400, Object.keys(json)])
  })
})
