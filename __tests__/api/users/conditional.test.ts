import type { User } from '@/lib/domains/users/schema'
import { api } from '../../support/api'
import { uniqueEmail, createUser, signIn } from '../../support/factories'

async function tagOf(url: string, token: string): Promise<string> {
  const tag = (await api('GET', url, { token })).headers.get('etag')
  if (tag === null) throw new Error(`${url} has no ETag`)
  return tag
}

const UNKNOWN = '"of-another-version"'

describe('GET with If-None-Match', () => {
  it('returns a strong ETag that stays the same while nothing changes, also for HEAD', async () => {
    const { user, token } = await signIn()
    const url = `/api/users/${user.id}`
    const tag = await tagOf(url, token)
    expect(tag).toMatch(/^"[\w-]{27}"$/)
    expect((await api('HEAD', url, { token })).headers.get('etag')).toBe(tag)
    expect(await tagOf(url, token)).toBe(tag)
  })

  it.each([
    ['the tag', (tag: string) => tag],
    ['the weak tag', (tag: string) => `W/${tag}`],
    ['one of several tags', (tag: string) => `${UNKNOWN}, "a,b",${tag} , W/"x"`],
    ['*', () => '*'],
  ])('returns 304 without a body for %s', async (_name, header) => {
    const { user, token } = await signIn({ role: 'admin' })
    for (const url of [`/api/users/${user.id}`, `/api/users?q=${user.email}`, `/api/users?q=${user.email}&cursor=`]) {
      const tag = await tagOf(url, token)
      for (const method of ['GET', 'HEAD']) {
        const response = await api(method, url, { token, headers: { 'If-None-Match': header(tag) } })
        expect([response.status, response.text]).toEqual([304, ''])
        expect(response.headers.get('etag')).toBe(tag)
        expect(response.headers.get('cache-control')).toBe('private, no-cache')
        expect(response.headers.get('vary')).toContain('Origin')
        expect(response.headers.get('content-type')).toBeNull()
        expect(response.headers.get('link')).toBeNull()
      }
    }
  })

  it.each([UNKNOWN, 'W/"x"', 'no-quotes', '""', '"a, b"'])('returns 200 when If-None-Match is %s', async (header) => {
    const { user, token } = await signIn()
    const response = await api<User>('GET', `/api/users/${user.id}`, { token, headers: { 'If-None-Match': header } })
    expect([response.status, response.json.id]).toEqual([200, user.id])
  })

  it('changes the ETag of the user and of the list with every change', async () => {
    const { token } = await signIn({ role: 'admin' })
    const user = await createUser()
    const urls = [`/api/users/${user.id}`, `/api/users?q=${user.email}`]
    const before = await Promise.all(urls.map((url) => tagOf(url, token)))
    await api('PATCH', `/api/users/${user.id}`, { token, json: { name: 'Grace Hopper' } })
    const after = await Promise.all(urls.map((url) => tagOf(url, token)))
    expect(after[0]).not.toBe(before[0])
    expect(after[1]).not.toBe(before[1])
  })

  it('returns 401 and 403 before 304', async () => {
    const { user, token } = await signIn()
    const otherUser = await signIn()
    const headers = { 'If-None-Match': await tagOf(`/api/users/${user.id}`, token) }
    expect((await api('GET', `/api/users/${user.id}`, { headers })).status).toBe(401)
    expect((await api('GET', `/api/users/${user.id}`, { headers, token: otherUser.token })).status).toBe(403)
  })
})

describe('writes with If-Match', () => {
  it.each([
    ['PUT', 200],
    ['PATCH', 200],
    ['DELETE', 204],
  ])('executes %s for the current tag, a list with it, and *', async (method, status) => {
    for (const header of [(tag: string) => tag, (tag: string) => `${UNKNOWN},${tag}`, () => '*']) {
      const { user, token } = await signIn()
      const url = `/api/users/${user.id}`
      const json = method === 'DELETE' ? undefined : { email: user.email, name: 'New' }
      const headers = { 'If-Match': header(await tagOf(url, token)) }
      const response = await api(method, url, { token, json, headers })
      expect(response.status).toBe(status)
      if (method !== 'DELETE') expect(response.headers.get('etag')).toBe(await tagOf(url, token))
    }
  })

  it.each(['PUT', 'PATCH', 'DELETE'])(
    'returns 412 for %s after the user has changed, and changes nothing',
    async (method) => {
      const { user, token } = await signIn()
      const url = `/api/users/${user.id}`
      const tag = await tagOf(url, token)
      const newer = (await api('PATCH', url, { token, json: { name: 'First' } })).headers.get('etag') ?? ''
      const json = method === 'DELETE' ? undefined : { email: user.email, name: 'Second' }
      for (const header of [tag, `W/${newer}`, UNKNOWN, 'no-quotes', '']) {
        const response = await api(method, url, { token, json, headers: { 'If-Match': header } })
        expect([header, response.status]).toEqual([header, 412])
        expect(response.json.error.code).toBe('PRECONDITION_FAILED')
      }
      expect((await api<User>('GET', url, { token })).json.name).toBe('First')
      expect((await api(method, url, { token, json, headers: { 'If-Match': newer } })).status).toBeLessThan(300)
    },
  )

  it('executes one of several concurrent changes of the same version', async () => {
    const { user, token } = await signIn()
    const url = `/api/users/${user.id}`
    const headers = { 'If-Match': await tagOf(url, token) }
    const responses = await Promise.all(
      Array.from({ length: 8 }, (_, index) => api('PATCH', url, { token, headers, json: { name: `Name ${index}` } })),
    )
    expect(responses.map((response) => response.status).sort()).toEqual([200, ...Array<number>(7).fill(412)])
  })

  it('executes either a concurrent change or a deletion', async () => {
    const { user, token } = await signIn()
    const admin = await signIn({ role: 'admin' })
    const url = `/api/users/${user.id}`
    const headers = { 'If-Match': await tagOf(url, token) }
    const [change, removal] = await Promise.all([
      api('PATCH', url, { token: admin.token, headers, json: { name: 'Changed' } }),
      api('DELETE', url, { token: admin.token, headers }),
    ])
    expect([`${change.status} ${removal.status}`]).toEqual([expect.stringMatching(/^(200 412|404 204)$/)])
  })

  it('returns 412 for If-None-Match: *', async () => {
    const { user, token } = await signIn()
    const call = { token, json: { name: 'New' }, headers: { 'If-None-Match': '*' } }
    expect((await api('PATCH', `/api/users/${user.id}`, call)).status).toBe(412)
  })

  it('returns 401, 403, 404 and 400 before 412', async () => {
    const { user, token } = await signIn()
    const admin = await signIn({ role: 'admin' })
    const headers = { 'If-Match': UNKNOWN }
    const url = `/api/users/${user.id}`
    const json = { name: 'New' }
    const otherUser = await signIn()
    expect((await api('PATCH', url, { json, headers })).status).toBe(401)
    expect((await api('PATCH', url, { json, headers, token: otherUser.token })).status).toBe(403)
    expect((await api('PATCH', url, { json: { name: 1 }, headers, token })).status).toBe(400)
    for (const header of [UNKNOWN, '*'])
      for (const method of ['PATCH', 'DELETE']) {
        const call = { token: admin.token, headers: { 'If-Match': header }, ...(method === 'PATCH' && { json }) }
        expect((await api(method, '/api/users/2147483647', call)).status).toBe(404)
      }
  })

  it('returns 412 before 409', async () => {
    const { user, token } = await signIn()
    const email = uniqueEmail()
    await createUser({ email })
    const response = await api('PATCH', `/api/users/${user.id}`, {
      token,
      json: { email },
      headers: { 'If-Match': UNKNOWN },
    })
    expect(response.status).toBe(412)
  })
})
