import type { User } from '@/lib/domains/users/schema'
import { api } from '../../../support/api'
import { freshEmail, makeApiKey, signIn } from '../../../support/factories'

describe('an API key with users:write', () => {
  it('may rename its owner, but not move the account to another address, where the password could be reset', async () => {
    const { user } = await signIn()
    const { key } = await makeApiKey(user, ['users:write'])
    const renamed = await api<User>('PUT', `/api/users/${user.id}`, {
      token: key,
      json: { email: user.email, name: 'Grace' },
    })
    expect(renamed.json.name).toBe('Grace')
    const moved = await api('PATCH', `/api/users/${user.id}`, { token: key, json: { email: freshEmail() } })
    expect(moved.status).toBe(403)
  })

  it('of an admin may not move anybody else either', async () => {
    const [admin, other] = await Promise.all([signIn({ role: 'admin' }), signIn()])
    const { key } = await makeApiKey(admin.user, ['users:write'])
    const moved = await api('PATCH', `/api/users/${other.user.id}`, { token: key, json: { email: freshEmail() } })
    expect(moved.status).toBe(403)
  })
})
