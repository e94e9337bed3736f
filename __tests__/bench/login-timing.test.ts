import { Client } from 'pg'
import { uniqueEmail, PASSWORD } from '../support/factories'
import { startServer, type RunningServer } from '../support/server'

jest.setTimeout(300_000)

const ROUNDS = 40
const RUNS_MAX = 3

/** A hash of PASSWORD at cost 8. */
const OLDER_HASH = '$2b$08$Fko.1g0o6C5RVos9wdut..5Tw.CP5iqO2700i3kmwn8gRibeh8Vmm'

async function replaceHashes(connectionString: string, hash: string): Promise<void> {
  const client = new Client({ connectionString })
  await client.connect()
  await client.query('UPDATE passwords SET hash = $1', [hash])
  await client.end()
}

const median = (values: number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN

describe('the duration of a failed login', () => {
  let server: RunningServer
  beforeAll(async () => {
    server = await startServer({ BCRYPT_COST: '10' })
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

  /** Returns the ratio of the medians with an unknown address and with a wrong password in one run. */
  async function ratioOfMedians(email: string): Promise<number> {
    const known: number[] = []
    const unknown: number[] = []
    const tryKnown = async () => known.push(await timeOfFailure(email))
    const tryUnknown = async () => unknown.push(await timeOfFailure(uniqueEmail()))
    // The two kinds alternate, and alternate in being first, so that noise affects both equally.
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const attempt of round % 2 === 0 ? [tryKnown, tryUnknown] : [tryUnknown, tryKnown]) await attempt()
    }
    return median(unknown) / median(known)
  }

  it('does not reveal whether the address is known', async () => {
    const email = uniqueEmail()
    expect((await send('/api/auth/register', { email, password: PASSWORD })).status).toBe(201)
    // An older hash, of a time when BCRYPT_COST was lower, must not show either.
    await replaceHashes(server.databaseUrl ?? '', OLDER_HASH)
    await timeOfFailure(email)
    await timeOfFailure(uniqueEmail())
    // On a busy machine one run can differ by chance; a systematic difference would show in every run.
    const ratios: number[] = []
    while (ratios.length < RUNS_MAX && !ratios.some((ratio) => ratio > 0.85 && ratio < 1.15)) {
      ratios.push(await ratioOfMedians(email))
    }
    expect(ratios.at(-1)).toBeGreaterThan(0.85)
    expect(ratios.at(-1)).toBeLessThan(1.15)
  })
})
