import request from 'supertest'
import { PASSWORD } from '../support/factories'
import { type RunningServer, startServer } from '../support/server'

let server: RunningServer

beforeAll(async () => {
  server = await startServer({ BCRYPT_COST: '10' })
}, 90_000)

afterAll(() => server.remove())

describe('50 concurrent registrations of one address in different letter case', () => {
  it('create one account', async () => {
    const address = 'a.user.with.a.long.name@example.test'
    const inSomeCase = (seed: number) =>
      [...address].map((letter, index) => ((seed * 31 + index * 7) % 3 === 0 ? letter.toUpperCase() : letter)).join('')
    const responses = await Promise.all(
      Array.from({ length: 50 }, (_, seed) =>
        request(server.url)
          .post('/api/auth/register')
          .send({ email: inSomeCase(seed), password: PASSWORD }),
      ),
    )
    expect(responses.filter((response) => response.status === 201)).toHaveLength(1)
    const refused = responses.filter((response) => response.status === 409)
    expect(refused).toHaveLength(49)
    expect(new Set(refused.map((response) => response.body.error.code))).toEqual(new Set(['EMAIL_EXISTS']))
  })
})

describe('more concurrent logins of one address than may wait for the hashing queue', () => {
  it('are rejected immediately with Retry-After, while the others are checked', async () => {
    const crowded = await startServer({ BCRYPT_COST: '12' })
    const responses = await Promise.all(
      Array.from({ length: 150 }, async (_, index) => {
        const startedAt = performance.now()
        const response = await request(crowded.url)
          .post('/api/auth/login')
          .set('Connection', 'close')
          .send({ email: `unknown-${index}@example.test`, password: PASSWORD })
        return { status: response.status, headers: response.headers, tookMs: performance.now() - startedAt }
      }),
    )
    const refused = responses.filter((response) => response.status === 429)
    expect(refused.length).toBeGreaterThan(0)
    expect(refused.every((response) => Number(response.headers['retry-after']) > 0)).toBe(true)
    expect(responses.filter((response) => response.status === 401).length).toBeGreaterThanOrEqual(60)
    expect(refused.length + responses.filter((response) => response.status === 401).length).toBe(150)
    await crowded.remove()
  }, 120_000)
})
