import { api } from '../support/api'
import { signIn } from '../support/factories'

describe('an unknown path', () => {
  it.each(['GET', 'POST', 'PUT', 'PATCH', 'DELETE'])('returns 404 to %s', async (method) => {
    const { token } = await signIn()
    for (const path of ['/api/unknown', '/api/users/1/unknown/deeper']) {
      const { status, json } = await api(method, path, { token })
      expect([status, json.error.code]).toEqual([404, 'NOT_FOUND'])
    }
  })
})
