import type { Readiness } from '@/lib/domains/system/schema'
import { api } from '../support/api'

describe('GET /api/ready', () => {
  it('returns 200 and the state of every dependency', async () => {
    const { status, headers, json } = await api<Readiness>('GET', '/api/ready')
    expect([status, json.status]).toEqual([200, 'ok'])
    expect(headers.get('cache-control')).toBe('no-store')
    expect(json.checks.database).toEqual({ status: 'ok', latencyMs: expect.any(Number) })
  })
})
