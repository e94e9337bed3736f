import { setTimeout as sleep } from 'node:timers/promises'
import request from 'supertest'
import { uniqueEmail, PASSWORD } from '../support/factories'
import { startServer, type RunningServer } from '../support/server'

jest.setTimeout(300_000)

const NO_LIMITS = { RATE_LIMIT_REQUESTS: '0', RATE_LIMIT_LOGIN_ATTEMPTS: '0', RATE_LIMIT_STRICT_REQUESTS: '0' }
const RUNS_MAX = 3

const signUp = (server: RunningServer, email: string) =>
  request(server.url).post('/api/auth/register').send({ email, password: PASSWORD }).expect(201)

describe('the duration of forgot-password', () => {
  it('does not distinguish known from unknown addresses: medians of 40 within 15 %', async () => {
    const server = await startServer(NO_LIMITS)
    const known = Array.from({ length: 40 }, uniqueEmail)
    for (const email of known) await signUp(server, email)
    const forgot = async (email: string) => {
      // Waits for deferred work of the previous request, so that it is not measured here.
      await sleep(100)
      const startedAt = performance.now()
      await request(server.url).post('/api/auth/forgot-password').send({ email }).expect(204)
      return performance.now() - startedAt
    }
    const median = (values: number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
    const ratioOfMedians = async () => {
      const times = { known: Array<number>(), unknown: Array<number>() }
      for (const [turn, email] of known.entries()) {
        const steps = [
          async () => times.known.push(await forgot(email)),
          async () => times.unknown.push(await forgot(uniqueEmail())),
        ]
        for (const step of turn % 2 === 0 ? steps : steps.toReversed()) await step()
      }
      return median(times.known) / median(times.unknown)
    }
    for (let warm = 0; warm < 20; warm += 1) await forgot(uniqueEmail())
    // On a busy machine one run can differ by chance; a systematic difference would show in every run.
    const ratios: number[] = []
    while (ratios.length < RUNS_MAX && !ratios.some((ratio) => ratio > 0.85 && ratio < 1.15)) {
      ratios.push(await ratioOfMedians())
    }
    expect(ratios.at(-1)).toBeGreaterThan(0.85)
    expect(ratios.at(-1)).toBeLessThan(1.15)
    await server.remove()
  })
})
