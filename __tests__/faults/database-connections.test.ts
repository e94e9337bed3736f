import { setTimeout as sleep } from 'node:timers/promises'
import { outageSettings, prepareClients } from '../support/database-outage'
import { type OutageReport, runThroughOutage } from '../support/run-through-outage'
import { queryOnce, type RunningPostgres, startPostgres } from '../support/postgres'
import { type RunningServer, startServer } from '../support/server'
import { openClient } from '../support/databases'

jest.setTimeout(300_000)

/** Backends that are terminated one by one: idle, in a query, in a transaction, of LISTEN and of the queue. */
const TERMINATIONS = 200
const PAUSE_MAX_MS = 60

const TERMINATE_ONE = `
  SELECT pg_terminate_backend(pid) AS done FROM pg_stat_activity
  WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
  ORDER BY random() LIMIT 1`
const TERMINATE_ALL = TERMINATE_ONE.replace('ORDER BY random() LIMIT 1', '')

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

async function runFault(begin: () => Promise<unknown>, end: () => Promise<unknown>): Promise<OutageReport> {
  const { streams, retry, audit } = await prepareClients(server.url)
  const report = await runThroughOutage({ url: server.url, streams, begin, outageMs: 2_000, end })
  expect(report.faults.slice(0, 20)).toEqual([])
  expect(server.process.exitCode).toBeNull()
  const { acknowledged } = await retry(Object.values(report.seen).flat())
  expect(await audit(postgres.url, acknowledged)).toEqual({ lost: [], doubled: [] })
  expect(server.output()).not.toMatch(/"level":"(error|fatal)"/)
  return report
}

it(`survives ${TERMINATIONS} terminations of random database connections under load`, async () => {
  const admin = await openClient(postgres.url)
  let terminated = 0
  try {
    await runFault(
      async () => {
        for (let count = 0; count < TERMINATIONS; count += 1) {
          const { rows } = await admin.query<{ done: boolean }>(TERMINATE_ONE)
          terminated += rows.filter(({ done }) => done).length
          await sleep(Math.random() * PAUSE_MAX_MS)
        }
      },
      async () => {},
    )
  } finally {
    await admin.end()
  }
  expect(terminated).toBeGreaterThan(TERMINATIONS / 2)
})

it('survives a switch to read-only and the termination of all connections', async () => {
  const setReadOnly = async (value: 'on' | 'off') => {
    await queryOnce(
      postgres.url,
      `BEGIN READ WRITE; ALTER DATABASE hearth SET default_transaction_read_only = ${value}; COMMIT`,
    )
    await queryOnce(postgres.url, TERMINATE_ALL)
  }
  await runFault(
    () => setReadOnly('on'),
    () => setReadOnly('off'),
  )
})

it('serves every request while the types of columns change', async () => {
  const alter = async (type: string) => {
    for (const [table, column] of [
      ['products', 'stock'],
      ['posts', 'author_id'],
      ['users', 'name'],
    ] as const) {
      const to = column === 'name' ? (type === 'bigint' ? 'varchar(400)' : 'text') : type
      await queryOnce(postgres.url, `ALTER TABLE ${table} ALTER COLUMN ${column} TYPE ${to}`)
    }
  }
  const report = await runFault(
    () => alter('bigint'),
    () => alter('integer'),
  )
  const failed = Object.values(report.seen)
    .flat()
    .filter(({ response }) => (response?.status ?? 0) >= 500)
  expect(failed.map(({ name, response }) => `${name}: ${response?.text}`)).toEqual([])
})
