import { randomBytes, randomUUID } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from 'pg'
import { dropDatabase, createDatabase } from '../support/databases'
import { type FileClient, fileKeysInDatabase, createFileClient, sha256, runFileCleanup } from '../support/file-client'
import { png } from '../support/images'
import { queryOnce } from '../support/postgres'
import { type RunningServer, startServer } from '../support/server'
import { waitFor } from '../support/wait'

jest.setTimeout(120_000)

const SIZE_BYTES = 1024 * 1024
const PIECE_BYTES = 64 * 1024
const KILLS = 3

const database = `killed_${randomUUID()}`
let home: { databaseUrl: string; dataDir: string }
let temporary: string
let server: RunningServer
let client: FileClient

const start = (settings: Record<string, string> = {}) => startServer({ TMPDIR: temporary, ...settings }, home)

beforeAll(async () => {
  home = { databaseUrl: await createDatabase(database), dataDir: await mkdtemp(join(tmpdir(), 'hearth-killed-')) }
  temporary = await mkdtemp(join(tmpdir(), 'hearth-killed-tmp-'))
  server = await start({ WORKER: 'off' })
  client = await createFileClient({
    get url() {
      return server.url
    },
  })
})

afterAll(async () => {
  await server.remove()
  await dropDatabase(database)
  await rm(home.dataDir, { recursive: true, force: true })
  await rm(temporary, { recursive: true, force: true })
})

/** The contents that a path may have: the last acknowledged body, and those sent after it. */
const sent = new Map<string, { isAcknowledged: boolean; bodies: Buffer[] }>()

/**
 * Sends a body in pieces with pauses, and the last piece when `mayEnd` resolves. Returns the status, or undefined if the
 * connection was lost before.
 */
async function sendSlowly(
  method: string,
  path: string,
  body: Buffer,
  { headers = {}, mayEnd }: { headers?: Record<string, string>; mayEnd?: Promise<void> } = {},
) {
  const outgoing = request(`${server.url}${path}`, {
    method,
    headers: { ...client.authorization, 'Content-Length': body.length, ...headers },
  })
  const response = new Promise<number | undefined>((resolve) => {
    outgoing.on('error', () => resolve(undefined))
    outgoing.on('response', (response) => {
      response.resume()
      response.on('error', () => resolve(undefined))
      response.on('end', () => resolve(response.statusCode))
    })
  })
  for (let at = 0; at < body.length && !outgoing.destroyed; at += PIECE_BYTES) {
    if (at + PIECE_BYTES >= body.length) await mayEnd
    outgoing.write(body.subarray(at, at + PIECE_BYTES))
    await sleep(Math.random() * 20)
  }
  outgoing.end()
  return response
}

async function put(path: string): Promise<void> {
  const body = randomBytes(SIZE_BYTES)
  const before = sent.get(path) ?? { isAcknowledged: false, bodies: [] }
  sent.set(path, { ...before, bodies: [...before.bodies, body] })
  const status = await sendSlowly('PUT', `/api/files/me/${path}`, body)
  if (status === undefined) return
  expect([200, 201]).toContain(status)
  sent.set(path, { isAcknowledged: true, bodies: [body] })
}

function formOf(image: Buffer): Buffer {
  const head = '--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\nContent-Type: image/png\r\n\r\n'
  return Buffer.concat([Buffer.from(head), image, Buffer.from('\r\n--b--\r\n')])
}

async function storedKeys(): Promise<string[]> {
  const entries = await readdir(join(home.dataDir, 'files'), { recursive: true, withFileTypes: true })
  return entries.flatMap((entry) => (entry.isFile() ? [entry.name] : [])).sort()
}

/** Expects complete bytes for every row and, after the clean-up job, no other bytes or temporary files. */
async function expectNothingDangling(): Promise<void> {
  const files = await queryOnce<{ key: string; size: string; sha256: string }>(
    home.databaseUrl,
    'SELECT storage_key::text AS key, size_bytes::text AS size, sha256 FROM files',
  )
  for (const { key, size, ...file } of files) {
    const bytes = await readFile(join(home.dataDir, 'files', key.slice(0, 2), key))
    expect([String(bytes.length), sha256(bytes)]).toEqual([size, file.sha256])
  }
  await runFileCleanup(server)
  expect(await storedKeys()).toEqual((await fileKeysInDatabase(server)).named)
  const [usage] = await queryOnce<{ agrees: boolean }>(
    home.databaseUrl,
    `SELECT bool_and(u.size_bytes = (SELECT coalesce(sum(f.size_bytes), 0) FROM files f WHERE f.owner_id = u.owner_id))
       AS agrees FROM file_usage u`,
  )
  expect(usage?.agrees).toBe(true)
  expect((await readdir(temporary)).filter((name) => !/^(tsx-|node-compile)/.test(name))).toEqual([])
}

it('keeps files intact whenever the server is killed, and leaves nothing after the clean-up job', async () => {
  const old = ['old/a', 'old/b', 'old/c', 'old/d']
  await Promise.all(old.map(put))
  let left = 0
  for (let kill = 0; kill < KILLS; kill += 1) {
    const image = formOf(Buffer.concat([png(), randomBytes(SIZE_BYTES)]))
    const form = { 'Content-Type': 'multipart/form-data; boundary=b' }
    let end = () => {}
    const mayEnd = new Promise<void>((resolve) => (end = resolve))
    const uploads = [
      // Unfinished at the kill in any case.
      sendSlowly('PUT', '/api/files/me/unfinished', randomBytes(SIZE_BYTES), { mayEnd }),
      ...old.map(put),
      ...['a', 'b', 'c'].map((name) => put(`new/${kill}/${name}`)),
      ...[1, 2].map(() => sendSlowly('POST', '/api/upload', image, { headers: form })),
      sendSlowly('POST', '/api/upload', image, { headers: { ...form, 'Idempotency-Key': randomUUID() } }),
    ]
    await waitFor('an upload to begin', async () => (await fileKeysInDatabase(server)).unreferenced > 0)
    // The other bodies take 160 to 400 ms: the server is killed between the first pieces and some commits.
    await sleep(50 + 120 * (kill + Math.random()))
    await server.kill()
    end()
    await Promise.all(uploads)
    left += (await fileKeysInDatabase(server)).unreferenced
    server = await start(kill === KILLS - 1 ? {} : { WORKER: 'off' })
  }
  expect(left).toBeGreaterThan(0)
  for (const [path, { isAcknowledged, bodies }] of sent) {
    const read = await client.file('GET', path)
    if (!isAcknowledged && read.status === 404) continue
    expect([path, read.status]).toEqual([path, 200])
    expect(bodies.some((body) => body.equals(read.bytes))).toBe(true)
    expect(read.headers.get('etag')).toContain(sha256(read.bytes))
  }
  await expectNothingDangling()
})

it('keeps the old file when the server is killed between storing the bytes and the commit', async () => {
  await client.file('PUT', 'kept', { body: 'as it was' })
  const before = await storedKeys()
  const blocker = new Client({ connectionString: home.databaseUrl })
  await blocker.connect()
  const key = { 'Idempotency-Key': randomUUID() }
  const keyed = randomBytes(SIZE_BYTES)
  // The upload begins while the owner's row is unlocked, and waits for its lock after the last byte.
  let end = () => {}
  const mayEnd = new Promise<void>((resolve) => (end = resolve))
  const uploads = [
    sendSlowly('PUT', '/api/files/me/kept', randomBytes(SIZE_BYTES), { mayEnd }),
    sendSlowly('PUT', '/api/files/me/never', randomBytes(SIZE_BYTES), { mayEnd }),
    sendSlowly('POST', '/api/files/me/keyed', keyed, { headers: key, mayEnd }),
  ]
  await waitFor('the uploads to begin', async () => (await fileKeysInDatabase(server)).unreferenced === uploads.length)
  await blocker.query('BEGIN')
  await blocker.query('SELECT 1 FROM file_usage WHERE owner_id = $1 FOR UPDATE', [client.userId])
  const waiting = `SELECT count(*)::int AS count FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%file_usage%'`
  end()
  await waitFor('the commits to wait', async () => {
    const [row] = await queryOnce<{ count: number }>(home.databaseUrl, waiting)
    return row?.count === uploads.length
  })
  await server.kill()
  await blocker.query('ROLLBACK')
  await blocker.end()
  expect(await Promise.all(uploads)).toEqual([undefined, undefined, undefined])
  expect(await storedKeys()).toHaveLength(before.length + uploads.length)

  server = await start()
  expect((await client.file('GET', 'kept')).bytes.toString()).toBe('as it was')
  expect((await client.file('GET', 'never')).status).toBe(404)
  // The key of a request without a response can be used again.
  const again = await client.file('POST', 'keyed', { body: keyed, headers: key })
  expect([again.status, again.headers.get('idempotency-replayed')]).toEqual([201, null])
  await expectNothingDangling()
})
