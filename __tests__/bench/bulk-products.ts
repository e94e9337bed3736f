import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createReadStream, createWriteStream } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { request, type IncomingMessage } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { startEmbeddedPostgres } from '@/lib/embedded-postgres/embedded-postgres'
import { startServer } from '../support/server'
import { median, peakMemoryMiB, say, signIn, table } from './load'

// Fills, exports, imports and lists a million products over HTTP.
const PRODUCTS = Number(process.argv[2] ?? 1_000_000)
const IMPORTED_ROWS = PRODUCTS / 10
const PAGE_LIMIT = 20
const DEEP_PAGE = Math.min(5_000, PRODUCTS / PAGE_LIMIT / 2)
const WARM_UP_ROUNDS = 10
const ROUNDS = 210
/** Pages by number take so much longer that they are only requested every few rounds. */
const ROUNDS_PER_NUMBER = 10

const admin = { email: 'bench@example.test', password: 'correct horse' }

type Server = { url: string; token: string; pid: number | undefined; folder: string }

const secondsSince = (startedAt: number) => (performance.now() - startedAt) / 1000

async function seed(databaseUrl: string): Promise<void> {
  const startedAt = performance.now()
  const counts = ['--users', '0', '--products', String(PRODUCTS), '--bulk-only']
  const child = spawn(process.execPath, ['--require', 'tsx/cjs', join('prisma', 'seed.ts'), ...counts], {
    env: { ...process.env, DATABASE_URL: databaseUrl, JWT_SECRET: 'a-secret-of-the-benchmark-of-32-bytes-or-more' },
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const [code] = await once(child, 'close')
  if (code !== 0) throw new Error(`The seed exited with ${String(code)}.`)
  say(`Seed: ${PRODUCTS} products in ${secondsSince(startedAt).toFixed(0)} s`)
}

/** Returns the duration of some work and the peak resident memory of the server. */
async function observe(server: Server, name: string, rows: number, work: () => Promise<unknown>): Promise<void> {
  // Resets the peak (Linux, proc_pid_clear_refs(5)).
  await writeFile(`/proc/${server.pid}/clear_refs`, '5')
  const startedAt = performance.now()
  await work()
  const seconds = secondsSince(startedAt)
  const peak = (await peakMemoryMiB(server.pid)).toFixed(0)
  say(
    `${name}: ${rows} rows in ${seconds.toFixed(1)} s, ${Math.round(rows / seconds)} rows/s, memory up to ${peak} MiB`,
  )
}

async function ask(
  { url, token }: Server,
  path: string,
  { method = 'GET', headers = {}, body }: { method?: string; headers?: Record<string, string>; body?: Readable } = {},
): Promise<IncomingMessage> {
  const asked = request(`${url}${path}`, { method, headers: { Authorization: `Bearer ${token}`, ...headers } })
  const responded = once(asked, 'response')
  if (body === undefined) asked.end()
  else await pipeline(body, asked)
  const response: IncomingMessage = (await responded)[0]
  if (response.statusCode !== 200) throw new Error(`${method} ${path} returned ${response.statusCode}`)
  return response
}

async function exportTo(server: Server, type: string, file: string): Promise<void> {
  await pipeline(await ask(server, '/api/products/export', { headers: { Accept: type } }), createWriteStream(file))
}

async function importFrom(server: Server, type: string, body: Readable, rows: number): Promise<void> {
  const response = await ask(server, '/api/products/import', {
    method: 'POST',
    headers: { 'Content-Type': type },
    body,
  })
  const result: { created: number; updated: number } = JSON.parse(Buffer.concat(await response.toArray()).toString())
  if (result.created + result.updated !== rows) throw new Error(`The import returned ${JSON.stringify(result)}.`)
}

/** Returns the first lines of a file as new products. */
async function* asNewProducts(file: string, count: number): AsyncGenerator<string> {
  let left = count
  for await (const line of createInterface({ input: createReadStream(file) })) {
    if (left === 0) return
    left -= 1
    yield `${line.replace('"sku":"', '"sku":"NEW-')}\n`
  }
}

async function moveCatalogue(server: Server): Promise<void> {
  const [ndjson, csv] = [join(server.folder, 'products.ndjson'), join(server.folder, 'products.csv')]
  await observe(server, 'Export, NDJSON', PRODUCTS, () => exportTo(server, 'application/x-ndjson', ndjson))
  await observe(server, 'Export, CSV', PRODUCTS, () => exportTo(server, 'text/csv', csv))
  await observe(server, 'Import of new rows, NDJSON', IMPORTED_ROWS, () =>
    importFrom(server, 'application/x-ndjson', Readable.from(asNewProducts(ndjson, IMPORTED_ROWS)), IMPORTED_ROWS),
  )
  await observe(server, 'Import of what was exported, NDJSON', PRODUCTS, () =>
    importFrom(server, 'application/x-ndjson', createReadStream(ndjson), PRODUCTS),
  )
  await observe(server, 'Import of what was exported, CSV', PRODUCTS, () =>
    importFrom(server, 'text/csv', createReadStream(csv), PRODUCTS),
  )
}

let spellings = 0

/** Returns an equivalent query that is not cached: some of its letters are percent-encoded. */
function newSpelling(query: string): string {
  spellings += 1
  let bits = spellings
  return query.replace(/[a-z]/g, (letter) => {
    const escaped = bits % 2 === 1
    bits = Math.floor(bits / 2)
    return escaped ? `%${letter.charCodeAt(0).toString(16)}` : letter
  })
}

/** Returns the duration of an uncached list request in milliseconds. */
async function timeList(server: Server, query: string, cursor: string): Promise<number> {
  const startedAt = performance.now()
  const response = await fetch(`${server.url}/api/products?${newSpelling(query)}${cursor}`)
  await response.arrayBuffer()
  if (response.status !== 200 || response.headers.get('x-cache') !== 'miss')
    throw new Error(`${query}: ${response.status}`)
  return performance.now() - startedAt
}

/** Returns the cursor of a page far from the start, which it finds by following cursors. */
async function walkTo(server: Server, query: string, page: number): Promise<string> {
  let cursor = ''
  for (let at = 1; at < page; at += 1) {
    const response = await fetch(`${server.url}/api/products?${query}&cursor=${cursor}`)
    const { pagination }: { pagination: { nextCursor: string } } = JSON.parse(await response.text())
    cursor = pagination.nextCursor
  }
  return cursor
}

async function comparePages(server: Server, order: string): Promise<string[]> {
  const query = `${order}limit=${PAGE_LIMIT}`
  const deepCursor = await walkTo(server, query, DEEP_PAGE)
  const lists = [
    { query: `${query}&cursor=`, cursor: '', every: 1 },
    { query: `${query}&cursor=`, cursor: deepCursor, every: 1 },
    { query: `${query}&page=1`, cursor: '', every: ROUNDS_PER_NUMBER },
    { query: `${query}&page=${DEEP_PAGE}`, cursor: '', every: ROUNDS_PER_NUMBER },
  ]
  const times: number[][] = lists.map(() => [])
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const [index, list] of lists.entries()) {
      if (round % list.every !== 0) continue
      const ms = await timeList(server, list.query, list.cursor)
      if (round >= WARM_UP_ROUNDS) times[index]?.push(ms)
    }
  }
  const [first = 0, deep = 0, ...byNumber] = times.map(median)
  return [order || 'by id', ...[first, deep, ...byNumber].map((ms) => ms.toFixed(2)), (deep / first).toFixed(2)]
}

async function main(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'hearth-bench-'))
  const postgres = await startEmbeddedPostgres({ dataDir: join(folder, 'postgres'), database: 'hearth' })
  try {
    await seed(postgres.url)
    const settings = { ADMIN_EMAIL: admin.email, ADMIN_PASSWORD: admin.password }
    const hearth = await startServer(settings, { databaseUrl: postgres.url })
    try {
      const { token } = await signIn(hearth.url, admin)
      const server = { url: hearth.url, token, pid: hearth.process.pid, folder }
      await moveCatalogue(server)
      const rows = []
      for (const order of ['', 'sort=name&', 'sort=-priceCents&']) rows.push(await comparePages(server, order))
      say(`\nA page of ${PAGE_LIMIT} of ${PRODUCTS + IMPORTED_ROWS} products, not cached, in ms: medians\n`)
      const deep = `page ${DEEP_PAGE}`
      say(
        table(
          ['order', 'page 1 by cursor', `${deep} by cursor`, 'page 1 by number', `${deep} by number`, 'cursor ratio'],
          rows,
        ),
      )
    } finally {
      await hearth.remove()
    }
  } finally {
    await postgres.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`)
  process.exitCode = 1
})
