import { api } from '../../../support/api'
import { createSession, signIn } from '../../../support/factories'

const me = async (token: string) => (await api('GET', '/api/auth/me', { token })).status

describe('DELETE /api/auth/sessions/:id', () => {
  it('revokes the session immediately', async () => {
    const { user, token } = await signIn()
    const [ended, kept] = [await createSession(user), await createSession(user)]
    expect(await me(ended.token)).toBe(200)
    expect((await api('DELETE', `/api/auth/sessions/${ended.sessionId}`, { token })).status).toBe(204)
    expect([await me(ended.token), await me(kept.token), await me(token)]).toEqual([401, 200, 200])
    expect((await api('DELETE', `/api/auth/sessions/${ended.sessionId}`, { token })).status).toBe(404)
  })

  it('revokes the current session', async () => {
    const { token, sessionId } = await signIn()
    expect((await api('DELETE', `/api/auth/sessions/${sessionId.toUpperCase()}`, { token })).status).toBe(204)
    expect(await me(token)).toBe(401)
  })

  it('returns 404 for a session of another user, also to an admin', async () => {
    const victim = await signIn()
    for (const { token } of [await signIn(), await signIn({ role: 'admin' })]) {
      expect((await api('DELETE', `/api/auth/sessions/${victim.sessionId}`, { token })).status).toBe(404)
    }
    expect(await me(victim.token)).toBe(200)
  })

  it.each(['1', 'all', "x'--", '00000000-0000-0000-0000-00000000000g'])('returns 400 for %p', async (id) => {
    const { token } = await signIn()
    const response = await api('DELETE', `/api/auth/sessions/${encodeURIComponent(id)}`, { token })
    expect([response.status, Object.keys(response.json.error.details)]).toEqual([400, ['id']])
  })
})
