import request from 'supertest'
import { outageSettings, prepareClients } from '../support/database-outage'
import { uniqueEmail, PASSWORD } from '../support/factories'
import { mailsTo } from '../support/mail'
import { LONGEST_MS, RECOVERY_MS, runThroughOutage } from '../support/run-through-outage'
import { queryOnce, type RunningPostgres, startPostgres } from '../support/postgres'
import { type RunningServer, startServer } from '../support/server'
import { waitFor } from '../support/wait'

jest.setTimeout(180_000)

let postgres: RunningPostgres
let server: RunningServer

beforeAll(async () => {
  postgres = await startPostgres()
  server = await startServer(outageSettings, { databaseUrl: postgres.url })
})

afterAll(async () => {
  await server.remove()
  await postgres.remove()
})

describe('an outage of PostgreSQL under load', () => {
  it.each([
    ['killed, restarted after 20 s', 20_000, () => postgres.kill(), () => postgres.restart()],
    ['paused for 8 s', 8_000, () => postgres.pause(), () => postgres.resume()],
  ] as const)('(%s) closes no connection, delays no response and loses no write', async (...outage) => {
    const [, outageMs, begin, end] = outage
    const { streams, retry, audit } = await prepareClients(server.url)
    const report = await runThroughOutage({ url: server.url, streams, begin, outageMs, end })
    expect(report.faults.slice(0, 20)).toEqual([])
    expect(report.longestMs).toBeLessThan(LONGEST_MS)
    expect(report.recoveryMs).toBeLessThan(RECOVERY_MS)
    const refused = new Set(
      report.seen.during.flatMap(({ name, response }) => (response?.status === 503 ? [name] : [])),
    )
    expect([...refused].sort()).toEqual(
      streams
        .map(({ name }) => name)
        .filter((name) => name !== 'health')
        .sort(),
    )
    expect(server.process.exitCode).toBeNull()

    const { acknowledged, retried } = await retry(Object.values(report.seen).flat())
    expect(retried).toBeGreaterThan(0)
    expect(await audit(postgres.url, acknowledged)).toEqual({ lost: [], doubled: [] })
    expect(server.output()).not.toMatch(/"level":"(error|fatal)"/)
  })

  it('does not prevent the worker from running earlier and later jobs', async () => {
    const email = uniqueEmail()
    await request(server.url).post('/api/auth/register').send({ email, password: PASSWORD }).expect(201)
    await waitFor('the mail', async () => (await mailsTo(email, '', server.dataDir)).length === 1)
    const undelivered = 'SELECT id FROM contact_messages WHERE delivered_at IS NULL'
    await waitFor('all messages', async () => (await queryOnce(postgres.url, undelivered)).length === 0)
  })
})
