import { hashPassword, passwordPoolStats } from '@/lib/platform/crypto/password'

const FLOOD = 68

describe('the password queue', () => {
  it('has at most four places for an address, and rejects what waits beyond its share', async () => {
    const flood = Array.from({ length: FLOOD + 10 }, () => hashPassword('a flood of passwords', '192.0.2.66'))
    const settled = Promise.allSettled(flood)
    expect(passwordPoolStats().waiting).toBeLessThanOrEqual(4)
    const order: string[] = []
    void settled.then(() => order.push('flood'))
    await hashPassword('the password of the owner', '192.0.2.1')
    order.push('owner')
    const results = await settled
    expect(order).toEqual(['owner', 'flood'])
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(FLOOD)
    for (const result of results) {
      if (result.status === 'rejected') {
        expect(result.reason).toMatchObject({ code: 'RATE_LIMITED', headers: { 'Retry-After': '10' } })
      }
    }
  })

  it('returns SERVICE_UNAVAILABLE to other addresses when the whole queue is full', async () => {
    const many = Array.from({ length: 200 }, (_, index) => hashPassword('one of many', `192.0.2.${index}`))
    const results = await Promise.allSettled(many)
    const rejected = results.filter((result) => result.status === 'rejected')
    expect(rejected.length).toBeGreaterThan(0)
    for (const { reason } of rejected) {
      expect(reason).toMatchObject({ code: 'SERVICE_UNAVAILABLE', headers: { 'Retry-After': '10' } })
    }
  })
})
