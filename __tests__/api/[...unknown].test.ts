import { testApiHandler } from 'next-test-api-route-handler'
import * as unknownRoute from '@/pages/api/[...unknown]'
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

  it('redirects the root to the API reference', async () => {
    await testApiHandler({
      pagesHandler: unknownRoute,
      url: '/',
      test: async ({ fetch }) => {
        const { status, headers } = await fetch({ redirect: 'manual' })
        expect([status, headers.get('location')]).toEqual([307, '/api/docs'])
        expect((await fetch({ method: 'POST' })).status).toBe(404)
      },
    })
  })
})
