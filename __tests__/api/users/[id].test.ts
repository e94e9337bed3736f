import pg from 'pg'
import { prisma } from '@/lib/platform/db/prisma'
import type { User, UserWithInclusions } from '@/lib/domains/users/schema'
import { api, type Body } from '../../support/api'
import { uniqueEmail, createApiKey, PASSWORD, signIn } from '../../support/factories'
import { createFamilyFixture, createFamily, createPost } from '../../support/families'

describe('names', () => {
  it.each(['a\r\nb', 'a\u001bb', 'a\u2028b', 'a\u202eb', 'a\u00adb', 'at https://evil.example', 'www.evil.example'])(
    'returns 400 for %j',
    async (name) => {
      const { user, token } = await signIn()
      const { status, json } = await api('PATCH', `/api/users/${user.id}`, { token, json: { name } })
      expect([status, Object.keys(json.error.details)]).toEqual([400, ['name']])
    },
  )

  it.each(['Sean O’Neill', 'मोहन\u200dशर्मा', 'می\u200cخواهم', 'Dr. Ada L.', '👩\u200d🚀'])(
    'accepts %j',
    async (name) => {
      const { user, token } = await signIn()
      const { json } = await api<User>('PATCH', `/api/users/${user.id}`, { token, json: { name } })
      expect(json.name).toBe(name)
    },
  )
})

describe('an API key with users:write', () => {
  it('may change the name of its owner but not the e-mail address, which could receive a password reset', async () => {
    const { user } = await signIn()
    const { key } = await createApiKey(user, ['users:write'])
    const renamed = await api<User>('PUT', `/api/users/${user.id}`, {
      token: key,
      json: { email: user.email, name: 'Grace' },
    })
    expect(renamed.json.name).toBe('Grace')
    const moved = await api('PATCH', `/api/users/${user.id}`, { token: key, json: { email: uniqueEmail() } })
    expect(moved.status).toBe(403)
  })

  it('of an admin may not change the e-mail address of another user', async () => {
    const [admin, other] = await Promise.all([signIn({ role: 'admin' }), signIn()])
    const { key } = await createApiKey(admin.user, ['users:write'])
    const moved = await api('PATCH', `/api/users/${other.user.id}`, { token: key, json: { email: uniqueEmail() } })
    expect(moved.status).toBe(403)
  })
})

describe('an API key of an admin with users:write', () => {
  it('creates users without a role, but sets no role and deletes no account', async () => {
    const [admin, other] = [await signIn({ role: 'admin' }), await signIn()]
    const { key } = await createApiKey(admin.user, ['users:write'])
    const account = { email: uniqueEmail(), password: PASSWORD }
    for (const role of ['admin', 'user']) {
      expect((await api('POST', '/api/users', { token: key, json: { ...account, role } })).status).toBe(403)
      expect((await api('PATCH', `/api/users/${other.user.id}`, { token: key, json: { role } })).status).toBe(403)
    }
    expect((await api('DELETE', `/api/users/${other.user.id}`, { token: key })).status).toBe(403)
    expect((await api('POST', '/api/users', { token: key, json: account })).status).toBe(201)
    const json = { email: uniqueEmail(), password: PASSWORD, role: 'admin' }
    const created = await api<User>('POST', '/api/users', { token: admin.token, json })
    expect([created.status, created.json.role]).toEqual([201, 'admin'])
    const events = await prisma().auditEvent.findMany({ where: { actorId: admin.user.id, action: 'user_created' } })
    expect(events.map(({ details }) => details)).toContainEqual({ userId: created.json.id, role: 'admin' })
  })
})

describe('GET /api/users/:id?include=', () => {
  it('embeds only the requested resources', async () => {
    const { member, family } = await createFamilyFixture()
    const post = await createPost(member, { visibility: 'private' })
    const url = `/api/users/${member.user.id}`
    const { token } = member
    const plain = await api('GET', url, { token })
    expect(Object.keys(plain.json)).not.toContain('posts')
    const whole = await api<UserWithInclusions>('GET', `${url}?include=families,profile,posts`, { token })
    expect(whole.json).toEqual({
      ...plain.json,
      profile: { bio: null, avatarUrl: null, location: null, website: null, birthDate: null },
      posts: [expect.objectContaining({ id: post })],
      families: [{ ...family, createdAt: expect.any(String), updatedAt: expect.any(String) }],
    })
    const one = await api<UserWithInclusions>('GET', `${url}?include=posts`, { token })
    expect(Object.keys(one.json)).toEqual([...Object.keys(plain.json), 'posts'])
  })

  it('embeds the newest 20 posts and 20 families with a constant number of queries', async () => {
    const few = await signIn()
    const many = await signIn()
    await createPost(few)
    await createFamily({ owners: [few] })
    await prisma().$executeRaw`
      INSERT INTO posts (author_id, title, content, visibility, created_at)
      SELECT ${many.user.id}, n, 'x', 'public', timestamptz '2026-01-01' + n * interval '1 hour' FROM generate_series(1, 30) n`
    for (let index = 0; index < 25; index += 1) await createFamily({ owners: [many] })
    const count = async ({ user, token }: typeof few) => {
      const spy = jest.spyOn(pg.Client.prototype, 'query')
      try {
        const url = `/api/users/${user.id}?include=profile,posts,families`
        const { json } = await api<UserWithInclusions>('GET', url, { token })
        return { json, queries: spy.mock.calls.length }
      } finally {
        spy.mockRestore()
      }
    }
    // Both sessions are cached by now, so their look-up is not counted.
    await Promise.all([few, many].map(({ token }) => api('GET', '/api/auth/me', { token })))
    const [small, large] = [await count(few), await count(many)]
    expect(large.json.posts?.map(({ title }) => title)).toEqual(
      Array.from({ length: 20 }, (_, index) => `${30 - index}`),
    )
    expect(large.json.families).toHaveLength(20)
    expect(large.queries).toBe(small.queries)
    expect(large.queries).toBeLessThan(12)
  })

  it.each(['password', 'profile,', '', 'profile,profile', 'posts&include=profile', 'Profile', 'constructor'])(
    'returns 400 for ?include=%s',
    async (include) => {
      const { user, token } = await signIn()
      const response = await api('GET', `/api/users/${user.id}?include=${include}`, { token })
      expect([response.status, Object.keys(response.json.error.details)]).toEqual([400, ['include']])
    },
  )

  it('requires the scopes of the embedded resources from an API key', async () => {
    const { user } = await signIn()
    const ask = async (scopes: Parameters<typeof createApiKey>[1], include: string) => {
      const { key } = await createApiKey(user, scopes)
      return (await api('GET', `/api/users/${user.id}?include=${include}`, { token: key })).status
    }
    expect(await ask(['users:read'], 'profile')).toBe(200)
    expect(await ask(['users:read'], 'posts')).toBe(403)
    expect(await ask(['users:read', 'posts:read'], 'posts,families')).toBe(403)
    expect(await ask(['users:read', 'posts:read', 'families:read'], 'posts,families')).toBe(200)
  })

  it('returns 403 to another user, whether or not the account exists', async () => {
    const [{ user }, { token }] = [await signIn(), await signIn()]
    for (const id of [user.id, 2_147_483_647]) {
      expect((await api('GET', `/api/users/${id}?include=profile`, { token })).status).toBe(403)
    }
  })
})

describe('DELETE /api/users/:id and what the user owns', () => {
  it('deletes families without other members and keeps the others', async () => {
    const { member, owner, family } = await createFamilyFixture()
    const alone = await createFamily({ owners: [member] })
    const shared = await createPost(member, { visibility: 'family', familyId: family.id })
    const response = await api('DELETE', `/api/users/${member.user.id}`, { token: member.token })
    expect(response.status).toBe(204)
    expect(
      await prisma().family.findMany({ where: { id: { in: [alone.id, family.id] } }, select: { id: true } }),
    ).toEqual([{ id: family.id }])
    expect((await api('GET', `/api/posts/${shared}`, { token: owner.token })).status).toBe(404)
  })

  it('returns 409, also to an admin, while a family with other members has no other owner, and deletes nothing', async () => {
    const [owner, member, admin] = [await signIn(), await signIn(), await signIn({ role: 'admin' })]
    const family = await createFamily({ owners: [owner], members: [member] })
    const alone = await createFamily({ owners: [owner] })
    for (const { token } of [owner, admin]) {
      const response = await api('DELETE', `/api/users/${owner.user.id}`, { token })
      expect([response.status, response.json.error.code]).toEqual([409, 'LAST_OWNER'])
    }
    expect((await api('GET', `/api/families/${alone.id}`, { token: owner.token })).status).toBe(200)
    const json = { role: 'owner' }
    await api('PATCH', `/api/families/${family.id}/members/${member.user.id}`, { token: owner.token, json })
    expect((await api('DELETE', `/api/users/${owner.user.id}`, { token: owner.token })).status).toBe(204)
    expect((await api('GET', `/api/families/${family.id}`, { token: member.token })).status).toBe(200)
  })

  it('revokes the pending invitations of the user', async () => {
    const { owner, otherOwner, url } = await createFamilyFixture()
    await api('POST', `${url}/invitations`, { token: owner.token, json: { email: 'guest@example.test' } })
    await api('DELETE', `/api/users/${owner.user.id}`, { token: owner.token })
    const { json } = await api<{ invitations: object[] }>('GET', `${url}/invitations`, { token: otherOwner.token })
    expect(json.invitations).toHaveLength(0)
  })
})

describe('GET /api/users/:id', () => {
  it('returns the account to its owner and to admins, without anything secret', async () => {
    const { user, token } = await signIn()
    const admin = await signIn({ role: 'admin' })
    for (const caller of [token, admin.token]) {
      const { status, json, text } = await api<User>('GET', `/api/users/${user.id}`, { token: caller })
      expect([status, json.id, json.email]).toEqual([200, user.id, user.email])
      expect(text).not.toMatch(/hash|password/i)
    }
  })

  it('returns 404 to an admin and 403 to any other caller when the user does not exist', async () => {
    const [{ token }, admin] = [await signIn(), await signIn({ role: 'admin' })]
    expect((await api('GET', '/api/users/2147483647', { token: admin.token })).status).toBe(404)
    expect((await api('GET', '/api/users/2147483647', { token })).status).toBe(403)
  })

  it('returns 401 without credentials and 400 for an invalid id', async () => {
    const { user, token } = await signIn()
    expect((await api('GET', `/api/users/${user.id}`)).status).toBe(401)
    expect((await api('GET', '/api/users/x', { token })).status).toBe(400)
  })
})

describe('PUT and PATCH /api/users/:id', () => {
  it('replaces the account with PUT and changes the named fields with PATCH', async () => {
    const { user, token } = await signIn()
    const url = `/api/users/${user.id}`
    const replaced = await api<User>('PUT', url, { token, json: { email: user.email, name: null } })
    expect([replaced.status, replaced.json.name]).toEqual([200, null])
    const changed = await api<User>('PATCH', url, { token, json: { name: 'Grace' } })
    expect([changed.status, changed.json.name, changed.json.email]).toEqual([200, 'Grace', user.email])
  })

  it('responds alike to a new address whether or not another account has it, and mails no link if so', async () => {
    const [{ user, token }, other] = [await signIn(), await signIn()]
    for (const email of [uniqueEmail(), other.user.email]) {
      const { status, json } = await api<User>('PATCH', `/api/users/${user.id}`, { token, json: { email } })
      expect([status, json.email, json.pendingEmail]).toEqual([200, user.email, email])
    }
    expect(await prisma().emailToken.count({ where: { userId: user.id, email: other.user.email } })).toBe(0)
    await api('POST', '/api/auth/send-verification-email', { token })
    expect(await prisma().emailToken.count({ where: { userId: user.id, email: other.user.email } })).toBe(0)
  })

  it('changes the address immediately for an admin, and returns 409 when another account has it', async () => {
    const [{ user }, other, admin] = [await signIn(), await signIn(), await signIn({ role: 'admin' })]
    const change = (email: string) =>
      api<User & Body>('PATCH', `/api/users/${user.id}`, { token: admin.token, json: { email } })
    const taken = await change(other.user.email)
    expect([taken.status, taken.json.error.code]).toEqual([409, 'EMAIL_EXISTS'])
    const email = uniqueEmail()
    expect((await change(email)).json).toMatchObject({ email, pendingEmail: null, emailVerified: false })
    const events = await prisma().auditEvent.findMany({ where: { actorId: admin.user.id, action: 'email_changed' } })
    expect(events).toMatchObject([{ details: { userId: user.id, previousEmail: user.email, email } }])
  })

  it('returns 403 to another user, and to a user who changes their own role', async () => {
    const [{ user, token }, other] = [await signIn(), await signIn()]
    const url = `/api/users/${user.id}`
    expect((await api('PATCH', url, { token: other.token, json: { name: 'x' } })).status).toBe(403)
    expect((await api('PATCH', url, { token, json: { role: 'admin' } })).status).toBe(403)
  })

  it.each([{}, { email: 'no address' }, { role: 'owner' }, { id: 1 }])('returns 400 for PATCH of %j', async (json) => {
    const { user, token } = await signIn()
    expect((await api('PATCH', `/api/users/${user.id}`, { token, json })).status).toBe(400)
  })
})
