import { api } from '../support/api'

describe('GET /api/hello', () => {
  it('greets any caller', async () => {
    const { status, json } = await api<object>('GET', '/api/hello')
    expect([status, json]).toEqual([200, { message: 'Hello from Hearth' }])
  })

  it('returns 405 with the allowed methods for another method', async () => {
    const { status, headers } = await api('POST', '/api/hello')
    expect([status, headers.get('allow')]).toEqual([405, 'GET, HEAD, OPTIONS'])
  })
})
