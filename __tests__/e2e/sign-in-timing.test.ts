import { freshEmail, PASSWORD } from '../support/factories'
import { startServer, type RunningServer } from '../support/server'

jest.setTimeout(300_000)

const ROUNDS = 40

const median = (values: number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN

describe('the time of a failed sign-in', () => {
  let server: RunningServer
  beforeAll(async () => {
    server = await startServer({ PASSWORD_HASH_COST: '10' })
  })
  afterAll(() => server.remove())

  const send = (path: string, json: object) =>
    fetch(`${server.url}${path}`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(json),
    })

  async function timeOfFailure(email: string): Promise<number> {
    const startedAt = performance.now()
    const response = await send('/api/auth/login', { email, password: 'not this horse' })
    await response.arrayBuffer()
    expect(response.status).toBe(401)
    return performance.now() - startedAt
  }

  it('does not tell whether the address is known', async () => {
    const email = freshEmail()
    expect((await send('/api/auth/register', { email, password: PASSWORD })).status).toBe(201)
    for (const address of [email, freshEmail()]) await timeOfFailure(address)
    const known: number[] = []
    const unknown: number[] = []
    // The two kinds take turns, and turns at being first, so that noise hits both alike.
    for (let round = 0; round < ROUNDS; round += 1) {
      const kinds = [
        () => timeOfFailure(email).then((ms) => known.push(ms)),
        () => timeOfFailure(freshEmail()).then((ms) => unknown.push(ms)),
      ]
      for (const kind of round % 2 === 0 ? kinds : kinds.toReversed()) await kind()
    }
    const ratio = median(unknown) / median(known)
    expect(ratio).toBeGreaterThan(0.85)
    expect(ratio).toBeLessThan(1.15)
  })
})
