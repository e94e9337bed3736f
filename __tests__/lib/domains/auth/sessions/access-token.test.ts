import jwt from 'jsonwebtoken'
import { api } from '../../../../support/api'
import { ageAuthentication, createUser, PASSWORD, signIn } from '../../../../support/factories'

function claimsOf(token: string): jwt.JwtPayload {
  const claims = jwt.decode(token)
  if (typeof claims !== 'object' || claims === null) throw new Error('The token has no claims.')
  return claims
}

describe('the claims of an access token', () => {
  it('say how and when the user signed in', async () => {
    const { email } = await createUser()
    const before = Math.floor(Date.now() / 1000)
    const { json } = await api('POST', '/api/auth/login', { json: { email, password: PASSWORD } })
    const { amr, auth_time: authTime } = claimsOf(json.token)
    expect(amr).toEqual(['pwd'])
    expect(authTime).toBeGreaterThanOrEqual(before)
    expect(authTime).toBeLessThanOrEqual(Date.now() / 1000)
  })

  it('have the time of the last proof of identity, which a refresh does not renew', async () => {
    const { token, refreshToken, sessionId } = await signIn()
    await ageAuthentication(sessionId)
    const refreshed = await api<{ token: string; refreshToken: string }>('POST', '/api/auth/refresh', {
      json: { refreshToken },
    })
    const aged = claimsOf(refreshed.json.token)['auth_time']
    expect(aged).toBeLessThan(claimsOf(token)['auth_time'])
    const proof = { token: refreshed.json.token, json: { password: PASSWORD } }
    expect((await api('POST', '/api/auth/reauthenticate', proof)).status).toBe(204)
    const json = { refreshToken: refreshed.json.refreshToken }
    const again = await api('POST', '/api/auth/refresh', { json })
    expect(claimsOf(again.json.token)['auth_time']).toBeGreaterThan(aged)
    expect(claimsOf(again.json.token)['amr']).toEqual(['pwd'])
  })
})
