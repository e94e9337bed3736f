import type { User } from '@/lib/domains/users/schema'
import { api } from '../support/api'
import { createApiKey, signIn } from '../support/factories'

type Greeting = { message: string; user: User }

describe('GET /api/protected', () => {
  it('greets the caller by name, or by e-mail address if there is no name', async () => {
    const named = await signIn({ name: 'Ada' })
    const { status, json } = await api<Greeting>('GET', '/api/protected', { token: named.token })
    expect([status, json.message, json.user.id]).toEqual([200, 'Hello, Ada', named.user.id])
    const unnamed = await signIn({ name: null })
    const other = await api<Greeting>('GET', '/api/protected', { token: unnamed.token })
    expect(other.json.message).toBe(`Hello, ${unnamed.user.email}`)
  })

  it('accepts an API key of any scope, and tells it who the user is with users:read', async () => {
    const { user } = await signIn()
    const { key } = await createApiKey(user, ['files:read'])
    const { status, json } = await api<Greeting>('GET', '/api/protected', { token: key })
    expect([status, json]).toEqual([200, { message: 'Hello, API key' }])
    const reader = await createApiKey(user, ['users:read'])
    const read = await api<Greeting>('GET', '/api/protected', { token: reader.key })
    expect(read.json.user.email).toBe(user.email)
  })

  it('returns 401 without credentials', async () => {
    expect((await api('GET', '/api/protected')).status).toBe(401)
  })
})
