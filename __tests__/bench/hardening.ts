import { randomUUID } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { startEmbeddedPostgres } from '@/lib/embedded-postgres/embedded-postgres'
import { startServer, type RunningServer } from '../support/server'
import { say, signIn, table } from './load'

/**
 * Repeats the attacks of the security review against a server with the default limits, and prints their effect on other
 * clients. Run it on two commits to compare the tables: `npm run bench:hardening`.
 */

const ADMIN = { email: 'admin@bench.example', password: 'correct horse battery' }
const JSON_HEADERS = { 'Content-Type': 'application/json' }

type Bench = { server: RunningServer; database: pg.Pool; adminToken: string }
type Row = [finding: string, measured: string, goal: string]

const ms = (value: number) => `${value.toFixed(value < 10 ? 1 : 0)} ms`
const mib = (bytes: number) => `${Math.round(bytes / 1_048_576)} MiB`

/** Returns the 99th percentile. */
function p99(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length * 0.99)] ?? Number.NaN
}

async function timed<T>(work: () => Promise<T>): Promise<{ result: T; tookMs: number }> {
  const startedAt = performance.now()
  const result = await work()
  return { result, tookMs: performance.now() - startedAt }
}

async function statusOf(url: string, init: RequestInit = {}): Promise<number> {
  const response = await fetch(url, init).catch(() => undefined)
  await response?.arrayBuffer().catch(() => undefined)
  return response?.status ?? 0
}

/** Requests `url` every 20 ms while `work` runs, as another client would. Returns latencies and statuses. */
async function besides(url: string, work: () => Promise<unknown>): Promise<{ latencies: number[]; failures: number }> {
  const latencies: number[] = []
  let failures = 0
  const over = new AbortController()
  const probing = (async () => {
    while (!over.signal.aborted) {
      const { result, tookMs } = await timed(() => statusOf(url))
      latencies.push(tookMs)
      if (result !== 200) failures += 1
      await sleep(20)
    }
  })()
  await work()
  over.abort()
  await probing
  return { latencies, failures }
}

async function residentBytes(pid: number | undefined): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? Number.NaN) * 1024
}

function rawConnection(url: string, head: string): { socket: Socket; closed: Promise<number> } {
  const startedAt = performance.now()
  const { port } = new URL(url)
  const socket = connect(Number(port), '127.0.0.1', () => socket.write(head))
  socket.on('error', () => undefined)
  return {
    socket,
    closed: new Promise((resolve) => socket.once('close', () => resolve(performance.now() - startedAt))),
  }
}

async function manyKeys({ server }: Bench): Promise<Row[]> {
  const body = `{${Array.from({ length: 100_000 }, (_, index) => `"${index}":0`).join()}}`
  const attempts: number[] = []
  const others = await besides(`${server.url}/api/health`, async () => {
    for (let round = 0; round < 8; round += 1) {
      attempts.push(
        (await timed(() => statusOf(`${server.url}/api/auth/login`, { method: 'POST', headers: JSON_HEADERS, body })))
          .tookMs,
      )
    }
  })
  return [
    [
      'H1: 1 MiB of unknown keys, one request',
      `${ms(Math.max(...attempts))}, others' p99 ${ms(p99(others.latencies))}`,
      '< 50 ms, no 5xx',
    ],
  ]
}

async function longPosts({ server, database }: Bench): Promise<Row[]> {
  const words = "array_to_string(ARRAY(SELECT md5(random()::text || n || i) FROM generate_series(1, 1515) AS i), ' ')"
  const insert = (count: number) =>
    database.query(
      `INSERT INTO posts (title, content, visibility, author_id, created_at, updated_at)
       SELECT 'Post ' || n, left(${words}, 50000), 'public', (SELECT min(id) FROM users), now(), now()
       FROM generate_series(1, ${count}) AS n`,
    )
  for (let batch = 0; batch < 20; batch += 1) await insert(100)
  await database.query('VACUUM ANALYZE posts')
  await insert(20)
  const search = () => timed(() => statusOf(`${server.url}/api/posts?q=${randomUUID().slice(0, 6)}`))
  const single = [await search(), await search(), await search()]
  let failed = 0
  const others = await besides(`${server.url}/api/hello`, async () => {
    const results = await Promise.all(Array.from({ length: 60 }, search))
    failed = results.filter(({ result }) => result !== 200).length
  })
  return [
    [
      'H2: search over 2,020 posts of 50,000 characters',
      `${ms(Math.max(...single.map(({ tookMs }) => tookMs)))}, status ${single[0]?.result}`,
      '< 100 ms',
    ],
    [
      'H2: 60 concurrent searches',
      `${failed} failed; others' p99 ${ms(p99(others.latencies))}, ${others.failures} failed`,
      'others unharmed',
    ],
  ]
}

async function nonReaders({ server, database }: Bench): Promise<Row[]> {
  await database.query('DELETE FROM posts')
  await database.query(
    `INSERT INTO posts (title, content, visibility, author_id, created_at, updated_at)
     SELECT 'Post', repeat('한', 50000), 'public', (SELECT min(id) FROM users), now(), now() FROM generate_series(1, 100)`,
  )
  const before = await residentBytes(server.process.pid)
  const connections = []
  for (let index = 0; index < 120; index += 1) {
    const connection = rawConnection(server.url, 'GET /api/posts?limit=100 HTTP/1.1\r\nHost: x\r\n\r\n')
    connection.socket.pause()
    connections.push(connection)
    await sleep(300)
  }
  const growth = (await residentBytes(server.process.pid)) - before
  const bound = sleep(120_000, 'open' as const, { ref: false })
  const ends = await Promise.all(
    connections.map(({ socket, closed }) => {
      // A paused socket detects the end of the connection only when it reads again.
      setTimeout(() => socket.resume(), 75_000)
      return Promise.race([closed, bound])
    }),
  )
  for (const { socket } of connections) socket.destroy()
  return [
    [
      'H3: 120 clients that read nothing',
      `+${mib(growth)}, ${ends.filter((end) => end === 'open').length} still open after 120 s`,
      '< 100 MB, all closed',
    ],
  ]
}

async function signInFlood({ server }: Bench): Promise<Row[]> {
  const over = new AbortController()
  const attack = Array.from({ length: 72 }, async () => {
    while (!over.signal.aborted) {
      const body = JSON.stringify({ email: `${randomUUID()}@bench.example`, password: 'not the password' })
      await statusOf(`${server.url}/api/auth/login`, { method: 'POST', headers: JSON_HEADERS, body })
    }
  })
  await sleep(3_000)
  let passed = 0
  for (let attempt = 0; attempt < 12; attempt += 1) {
    // The account owner has another IP address: the benchmark trusts X-Forwarded-For.
    const headers = { ...JSON_HEADERS, 'X-Forwarded-For': '203.0.113.7' }
    const status = await statusOf(`${server.url}/api/auth/login`, {
      method: 'POST',
      headers,
      body: JSON.stringify(ADMIN),
    })
    if (status === 200) passed += 1
    await sleep(1_000)
  }
  over.abort()
  await Promise.all(attack)
  return [['M4: logins of the owner during guesses on 72 connections', `${passed} of 12`, '12 of 12']]
}

async function badImport({ server, adminToken }: Bench): Promise<Row[]> {
  const headers = { 'Content-Type': 'application/x-ndjson', Authorization: `Bearer ${adminToken}` }
  let took = 0
  const others = await besides(`${server.url}/api/health`, async () => {
    const body = '{}\n'.repeat(1_000_000)
    took = (await timed(() => statusOf(`${server.url}/api/products/import`, { method: 'POST', headers, body }))).tookMs
  })
  return [
    [
      'M7: 1,000,000 bad lines',
      `import ${ms(took)}; others' p99 ${ms(p99(others.latencies))}, max ${ms(Math.max(...others.latencies))}`,
      'p99 < 100 ms',
    ],
  ]
}

async function stalledBodies({ server, adminToken }: Bench): Promise<Row[]> {
  const head = (method: string, path: string, type: string) =>
    `${method} ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${adminToken}\r\nContent-Type: ${type}\r\nContent-Length: 100000\r\n\r\n{"a`
  const kinds = {
    JSON: head('POST', '/api/auth/login', 'application/json'),
    'PUT of a file': head('PUT', `/api/files/me/${randomUUID()}`, 'text/plain'),
    multipart: head('POST', '/api/upload', 'multipart/form-data; boundary=b'),
  }
  return Promise.all(
    Object.entries(kinds).map(async ([kind, bytes]): Promise<Row> => {
      const connections = Array.from({ length: 40 }, () => rawConnection(server.url, bytes))
      const ends = await Promise.all(
        connections.map(({ closed }) => Promise.race([closed, sleep(100_000, undefined, { ref: false })])),
      )
      for (const { socket } of connections) socket.destroy()
      const times = ends.filter((end) => end !== undefined)
      return [
        `M8: 40 stalled bodies, ${kind}`,
        `${times.length} of 40 closed${times.length > 0 ? `, the last after ${ms(Math.max(...times))}` : ''}`,
        '30 s, files 60 s',
      ]
    }),
  )
}

async function repeatedParameters({ server }: Bench): Promise<Row[]> {
  const url = `${server.url}/api/health?${'a&'.repeat(7_900)}`
  const times: number[] = []
  for (let round = 0; round < 20; round += 1) times.push((await timed(() => statusOf(url))).tookMs)
  return [['M9: a parameter 7,900 times', `median ${ms(times.toSorted((a, b) => a - b)[10] ?? Number.NaN)}`, '< 2 ms']]
}

async function manyStatements({ server, database }: Bench): Promise<Row[]> {
  const fields = ['name', 'priceCents', 'stock', 'createdAt']
  const backendBytes = async () => {
    const { rows } = await database.query<{ pid: number }>(
      "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'",
    )
    const sizes = await Promise.all(rows.map(({ pid }) => residentBytes(pid).catch(() => 0)))
    return Math.max(0, ...sizes)
  }
  const ask = async (from: number, count: number) => {
    for (let index = from; index < from + count; index += 1) {
      const sort = fields
        .toSorted(() => Math.random() - 0.5)
        .map((field) => (Math.random() < 0.5 ? field : `-${field}`))
        .slice(0, 1 + (index % 4))
      await statusOf(
        `${server.url}/api/products?sort=${sort.join()}&attributes[a${index}]=1&attributes[b${index}]=2&minPrice=${index}`,
      )
    }
  }
  await ask(0, 200)
  const before = await backendBytes()
  await ask(200, 3_800)
  const after = await backendBytes()
  return [['M11: the largest backend over 4,000 different statements', `${mib(before)} → ${mib(after)}`, 'flat']]
}

const ATTACKS: Record<string, (bench: Bench) => Promise<Row[]>> = {
  H1: manyKeys,
  M9: repeatedParameters,
  M11: manyStatements,
  M7: badImport,
  M4: signInFlood,
  H2: longPosts,
  M8: stalledBodies,
  H3: nonReaders,
}

async function main(): Promise<void> {
  const chosen = process.argv.slice(2)
  const folder = await mkdtemp(join(tmpdir(), 'hearth-hardening-'))
  const postgres = await startEmbeddedPostgres({ dataDir: join(folder, 'postgres'), database: 'hearth' })
  const settings = {
    ADMIN_EMAIL: ADMIN.email,
    ADMIN_PASSWORD: ADMIN.password,
    TRUST_PROXY: '1',
    // The attacks have one IP address, whose limit would stop them; this measures attacks from a thousand addresses.
    RATE_LIMIT_REQUESTS: '1000000000',
    RATE_LIMIT_LOGIN_ATTEMPTS: '10',
    RATE_LIMIT_LOGIN_ATTEMPTS_PER_ADDRESS: '1000000000',
    BCRYPT_COST: '12',
  }
  const server = await startServer(settings, { databaseUrl: postgres.url })
  const database = new pg.Pool({ connectionString: postgres.url, max: 2 })
  const rows: Row[] = []
  try {
    const { token: adminToken } = await signIn(server.url, ADMIN)
    for (const [name, attack] of Object.entries(ATTACKS)) {
      if (chosen.length > 0 && !chosen.includes(name)) continue
      const found = await attack({ server, database, adminToken }).catch((error: unknown): Row[] => [
        [name, `failed: ${String(error)}`, ''],
      ])
      rows.push(...found)
      for (const row of found) say(row.join(' | '))
    }
    say(`\n${table(['attack', 'measured', 'goal'], rows)}`)
  } finally {
    await database.end()
    await server.remove()
    await postgres.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`)
    process.exit(1)
  },
)
