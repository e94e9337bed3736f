import { randomUUID } from 'node:crypto'
import { request as httpRequest } from 'node:http'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { Client } from 'pg'
import request from 'supertest'
import { productBlock } from '@/prisma/seed/products'
import { dropDatabase, createDatabase } from '../support/databases'
import { type RunningServer, startServer } from '../support/server'
import { waitFor } from '../support/wait'

jest.setTimeout(180_000)

const PRODUCTS = 20_000
const ADMIN = { email: 'root@house.example', password: 'correct horse battery' }
const SETTINGS = { ADMIN_EMAIL: ADMIN.email, ADMIN_PASSWORD: ADMIN.password }

/** A database and a data folder that several servers use in turn. */
async function createHome(): Promise<{ databaseUrl: string; dataDir: string; remove: () => Promise<void> }> {
  const name = `import_${randomUUID()}`
  const dataDir = await mkdtemp(join(tmpdir(), 'hearth-import-'))
  return {
    databaseUrl: await createDatabase(name),
    dataDir,
    remove: async () => {
      await dropDatabase(name)
      await rm(dataDir, { recursive: true, force: true })
    },
  }
}

const blocks = Array.from({ length: PRODUCTS / 1_000 }, (_, block) =>
  productBlock(block)
    .map((product) => `${JSON.stringify(product)}\n`)
    .join(''),
)

async function signIn(server: RunningServer): Promise<string> {
  const { body } = await request(server.url).post('/api/auth/login').send(ADMIN).expect(200)
  return String(body.token)
}

/** Starts an import of `chunks`. `response` rejects if the connection is lost. */
function send(server: RunningServer, token: string, type: string, chunks: AsyncIterable<string> | Iterable<string>) {
  const outgoing = httpRequest(`${server.url}/api/products/import`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${token}`, 'Content-Type': type },
  })
  const response = new Promise<{ status: number | undefined; body: unknown }>((resolve, reject) => {
    outgoing.once('error', reject)
    outgoing.once('response', (incoming) => {
      incoming.once('error', reject)
      incoming.toArray().then((parts: Buffer[]) => {
        const body: unknown = JSON.parse(Buffer.concat(parts).toString())
        resolve({ status: incoming.statusCode, body })
      }, reject)
    })
  })
  // The error of an aborted import is reported when the test awaits `response`.
  pipeline(Readable.from(chunks), outgoing).catch(() => undefined)
  response.catch(() => undefined)
  return { response, outgoing }
}

/** Sends half of the products and leaves the request open. */
async function* halfOfThem(): AsyncGenerator<string> {
  yield* blocks.slice(0, blocks.length / 2)
  await new Promise(() => {})
}

async function query(url: string, text: string): Promise<Record<string, unknown>> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    const { rows } = await client.query<Record<string, unknown>>(text)
    return rows[0] ?? {}
  } finally {
    await client.end()
  }
}

const countOf = async (url: string) => Number((await query(url, 'SELECT count(*) FROM products'))['count'])

/** Returns the products by SKU, without ids and times, which differ between runs. */
const contentsOf = (url: string) =>
  query(
    url,
    `SELECT count(*)::int, md5(string_agg((to_jsonb(products) - '{id,created_at,updated_at,search}'::text[])::text, ','
       ORDER BY sku)) AS hash FROM products`,
  )

describe('a long import', () => {
  it('has the same result after a crash and a repetition as without a crash', async () => {
    const [clean, broken] = [await createHome(), await createHome()]
    const whole = await startServer(SETTINGS, clean)
    const through = await send(whole, await signIn(whole), 'application/x-ndjson', blocks).response
    expect(through).toEqual({ status: 200, body: { created: PRODUCTS, updated: 0, failed: 0, errors: [] } })
    await whole.remove()

    const first = await startServer(SETTINGS, broken)
    const half = send(first, await signIn(first), 'application/x-ndjson', halfOfThem())
    await waitFor('a part of the products', async () => (await countOf(broken.databaseUrl)) >= PRODUCTS / 4, 60_000)
    await first.kill()
    await expect(half.response).rejects.toThrow(/socket hang up|ECONNRESET|EPIPE/)
    const kept = await countOf(broken.databaseUrl)
    expect(kept).toBeGreaterThanOrEqual(PRODUCTS / 4)
    expect(kept).toBeLessThanOrEqual(PRODUCTS / 2)

    const second = await startServer(SETTINGS, broken)
    const again = await send(second, await signIn(second), 'application/x-ndjson', blocks).response
    expect(again).toEqual({
      status: 200,
      body: { created: PRODUCTS - kept, updated: kept, failed: 0, errors: [] },
    })
    expect(await contentsOf(broken.databaseUrl)).toEqual(await contentsOf(clean.databaseUrl))
    await second.remove()
    await clean.remove()
    await broken.remove()
  })
})

describe('an import', () => {
  let home: Awaited<ReturnType<typeof createHome>>
  let server: RunningServer
  let token: string

  beforeAll(async () => {
    home = await createHome()
    server = await startServer(SETTINGS, home)
    token = await signIn(server)
  })

  afterAll(async () => {
    await server.remove()
    await home.remove()
  })

  it('stops when the client disconnects and keeps complete batches', async () => {
    const { response, outgoing } = send(server, token, 'application/x-ndjson', blocks)
    await waitFor('the first products', async () => (await countOf(home.databaseUrl)) > 0)
    outgoing.destroy()
    await expect(response).rejects.toThrow('socket hang up')
    const busy = `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state <> 'idle'
      AND query LIKE '%jsonb_to_recordset%' AND pid <> pg_backend_pid()`
    await waitFor('the work to stop', async () => {
      const before = await countOf(home.databaseUrl)
      await new Promise((resolve) => setTimeout(resolve, 500))
      return (
        before === (await countOf(home.databaseUrl)) && Number((await query(home.databaseUrl, busy))['count']) === 0
      )
    })
    const kept = await countOf(home.databaseUrl)
    expect(kept % 250).toBe(0)
    expect(kept).toBeLessThan(PRODUCTS)
    await request(server.url).get('/api/ready').expect(200)
    expect(server.output()).not.toMatch(/"level":(50|60)/)
  })

  it('of 1,000 CSV lines reports the invalid lines and stores the others', async () => {
    await query(home.databaseUrl, 'TRUNCATE products')
    const bad = new Map([
      [2, 'S-2,,100,1'],
      [77, 'S-77,Thing,-5,1'],
      [500, 'S-500,Thing,100'],
      [501, 'S-501,"Thing,100,1'],
      [1_001, 'S-1001,Thing,many,1'],
    ])
    const lines = Array.from({ length: 1_000 }, (_, index) => bad.get(index + 2) ?? `S-${index + 2},Thing,100,1`)
    const csv = ['sku,name,priceCents,stock', ...lines].map((line) => `${line}\r\n`)
    const { status, body } = await send(server, token, 'text/csv', csv).response
    expect(status).toBe(200)
    expect(body).toEqual({
      created: 1_000 - bad.size,
      updated: 0,
      failed: bad.size,
      errors: [...bad.keys()].map((line) => ({ line, details: expect.any(Object) })),
    })
    const missing = `SELECT array_agg(n ORDER BY n) AS lines FROM generate_series(2, 1001) n
      WHERE NOT EXISTS (SELECT FROM products WHERE sku = 'S-' || n)`
    expect(await query(home.databaseUrl, missing)).toEqual({ lines: [...bad.keys()] })
  })
})
