import { api } from '../support/api'
import { useLimits, useNoLimits } from '../support/rate-limits'

afterEach(useNoLimits)

describe('GET /api/health', () => {
  it('returns 200 while the process runs', async () => {
    const { status, json } = await api<object>('GET', '/api/health')
    expect([status, json]).toEqual([200, { status: 'ok' }])
  })

  it('is exempt from the rate limit', async () => {
    useLimits({ general: 1 })
    for (let count = 0; count < 3; count += 1) expect((await api('GET', '/api/health')).status).toBe(200)
  })
})
