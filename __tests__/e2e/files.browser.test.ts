import { execFile } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readdir, readFile, mkdtemp, rm, truncate, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { promisify } from 'node:util'
import { Client } from 'pg'
import { freshEmail, PASSWORD } from '../support/factories'
import { launchBrowser } from '../support/browser'
import { startServer, type RunningServer } from '../support/server'
import { waitFor } from '../support/wait'

const run = promisify(execFile)
const MIB = 1024 * 1024
const GIB = 1024 * MIB

let server: RunningServer
let dataDir: string
let token: string
let userId: number
let database: Client

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'hearth-e2e-files-'))
  server = await startServer({ FILES_QUOTA_BYTES: String(3 * GIB), WORKER: 'off' }, { dataDir })
  database = new Client({ connectionString: server.databaseUrl })
  await database.connect()
  const answer = await fetch(`${server.url}/api/auth/register`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ email: freshEmail(), password: PASSWORD }),
  })
  const registered: { token: string; user: { id: number } } = JSON.parse(await answer.text())
  token = registered.token
  userId = registered.user.id
}, 120_000)

afterAll(async () => {
  await database.end()
  await server.remove()
  await rm(dataDir, { recursive: true, force: true })
})

const authorization = () => ({ Authorization: `Bearer ${token}` })

async function storedFiles(): Promise<string[]> {
  const entries = await readdir(join(dataDir, 'files'), { recursive: true, withFileTypes: true }).catch(() => [])
  return entries.filter((entry) => entry.isFile()).map((entry) => entry.name)
}

async function rowsIn(table: 'files' | 'unreferenced_bytes'): Promise<number> {
  const { rows } = await database.query<{ count: string }>(`SELECT count(*) FROM ${table}`)
  return Number(rows[0]?.count)
}

/** The files that the server has open below its store, by Linux's list of them, and how many descriptors in all. */
async function openHandles(): Promise<number> {
  return (await readdir(`/proc/${server.process.pid}/fd`)).length
}

async function residentMib(): Promise<number> {
  const status = await readFile(`/proc/${server.process.pid}/status`, 'utf8')
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) / 1024
}

/** Runs something and tells how far the server's resident memory rose above where it was. */
async function residentRise(work: () => Promise<void>): Promise<number> {
  const before = await residentMib()
  let peak = before
  const timer = setInterval(() => {
    void residentMib().then((now) => {
      peak = Math.max(peak, now)
    })
  }, 50)
  await work()
  clearInterval(timer)
  return peak - before
}

/** Sends a request line as it is, as no client library would. */
async function rawStatus(method: string, target: string): Promise<number> {
  const { hostname, port } = new URL(server.url)
  const socket = connect(Number(port), hostname)
  socket.write(
    `${method} ${target} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\nContent-Length: 1\r\nConnection: close\r\n\r\nx`,
    'latin1',
  )
  let text = ''
  for await (const chunk of socket) text += String(chunk)
  return Number(/^HTTP\/1\.1 (\d+)/.exec(text)?.[1])
}

it('takes and gives 1 GiB in less than 64 MiB of memory', async () => {
  const block = randomBytes(MIB)
  const hash = createHash('sha256')
  for (let sent = 0; sent < 1024; sent += 1) hash.update(block)
  const sha256 = hash.digest('hex')
  const url = `${server.url}/api/files/me/gib`
  let stored: unknown
  const riseOfPost = await residentRise(async () => {
    const sending = request(url, { method: 'POST', headers: { ...authorization(), 'Content-Length': GIB } })
    const answered = once(sending, 'response')
    Readable.from(
      (function* () {
        for (let sent = 0; sent < 1024; sent += 1) yield block
      })(),
    ).pipe(sending)
    const [response] = await answered
    let text = ''
    for await (const chunk of response) text += String(chunk)
    stored = JSON.parse(text)
  })
  expect(stored).toMatchObject({ size: GIB, sha256 })
  const read = createHash('sha256')
  const riseOfGet = await residentRise(async () => {
    const answer = await fetch(url, { headers: authorization() })
    for await (const chunk of answer.body ?? []) read.update(chunk)
  })
  expect(read.digest('hex')).toBe(sha256)
  process.stdout.write(
    `resident memory rose by ${riseOfPost.toFixed(1)} MiB (POST), ${riseOfGet.toFixed(1)} MiB (GET)\n`,
  )
  expect(riseOfPost).toBeLessThan(64)
  expect(riseOfGet).toBeLessThan(64)
  await fetch(url, { method: 'DELETE', headers: authorization() })
}, 180_000)

it('refuses every way out of the owner’s folder, however it is written, and touches nothing', async () => {
  const before = [await rowsIn('files'), (await storedFiles()).length]
  const folders = (await readdir(dataDir)).filter((name) => name !== 'files').sort()
  const paths = [
    ...['..%2fx', '%2e%2e/x', '%2e%2e%2fx', '../x', '../../users', 'a/../../../x', '%252e%252e/x', '%252e%252e%252fx'],
    ...['%25252e%25252e/x', '..\\x', '..%5cx', '%5c..%5cx', 'a%00.txt', '%00', '%2500', 'a%0d%0ab', 'a%7f', '%c2%85'],
    ...['%c0%ae%c0%ae/x', '%e0%80%ae/x', '%f0%80%80%ae/x', '%c1%9c', '%ff', '/etc/passwd', '%2fetc%2fpasswd', '//x'],
    ...['C:/x', 'C:%5cx', 'c%3a/x', 'a//b', 'a/', '.', './x', 'a/./b', '%2e', 'x'.repeat(300), '%61'.repeat(300)],
    ...['a/'.repeat(2_500) + 'a', 'x'.repeat(5_000), '%F0%9F%98%80'.repeat(64)],
  ]
  for (const method of ['GET', 'PUT', 'POST', 'DELETE']) {
    for (const path of paths) {
      const status = await rawStatus(method, `/api/files/me/${path}`)
      // `..` beyond the owner may be another route, which this one has no say in: it may not be one that works.
      expect([method, path, [400, 404, 405].includes(status) ? 'refused' : status]).toEqual([method, path, 'refused'])
    }
  }
  expect([await rowsIn('files'), (await storedFiles()).length]).toEqual(before)
  expect((await readdir(dataDir)).filter((name) => name !== 'files').sort()).toEqual(folders)
}, 120_000)

it('leaves nothing of two hundred clients that hang up, at any point', async () => {
  await fetch(`${server.url}/api/files/me/big`, { method: 'PUT', headers: authorization(), body: randomBytes(8 * MIB) })
  const before = { rows: await rowsIn('files'), files: (await storedFiles()).length, handles: await openHandles() }
  const { hostname, port } = new URL(server.url)
  const hangUp = async (index: number): Promise<void> => {
    const size = 2 * MIB
    const socket = connect(Number(port), hostname)
    socket.on('error', () => {})
    const head = `Host: x\r\nAuthorization: Bearer ${token}\r\n`
    const closed = once(socket, 'close')
    if (index % 4 === 3) {
      socket.write(`GET /api/files/me/big HTTP/1.1\r\n${head}\r\n`)
      let seen = 0
      const enough = Math.random() * 8 * MIB
      socket.on('data', (chunk: Buffer) => {
        seen += chunk.length
        if (seen >= enough) socket.destroy()
      })
      setTimeout(() => socket.destroy(), 2_000)
    } else {
      const sent = index % 2 === 0 ? size / 2 : Math.floor(Math.random() * size)
      const method = index % 3 === 0 ? 'POST' : 'PUT'
      socket.write(`${method} /api/files/me/gone-${index} HTTP/1.1\r\n${head}Content-Length: ${size}\r\n\r\n`)
      socket.write(randomBytes(sent), () => setTimeout(() => socket.destroy(), Math.random() * 30))
    }
    await closed
  }
  for (let round = 0; round < 20; round += 1) {
    await Promise.all(Array.from({ length: 10 }, (_, index) => hangUp(round * 10 + index)))
  }
  await waitFor('the store to be as it was', async () => {
    if ((await rowsIn('unreferenced_bytes')) > 0 || (await storedFiles()).length !== before.files) return false
    // The pool of database connections may have grown meanwhile.
    return (await openHandles()) <= before.handles + 12
  })
  expect(await rowsIn('files')).toBe(before.rows)
  const { stdout } = await run('ls', ['-l', `/proc/${server.process.pid}/fd`])
  expect(stdout).not.toContain(join(dataDir, 'files'))
  expect(server.output()).not.toMatch(/"level":"(error|fatal)"/)
}, 180_000)

it('lets curl go on where it stopped', async () => {
  const bytes = randomBytes(3 * MIB)
  await fetch(`${server.url}/api/files/me/resume.bin`, { method: 'PUT', headers: authorization(), body: bytes })
  const file = join(dataDir, 'resumed')
  await writeFile(file, bytes)
  await truncate(file, MIB + 17)
  const url = `${server.url}/api/files/me/resume.bin`
  const { stdout } = await run('curl', [
    ...[
      '-sS',
      '-C',
      '-',
      '-H',
      `Authorization: Bearer ${token}`,
      '-o',
      file,
      '-w',
      '%{http_code} %{size_download}',
      url,
    ],
  ])
  expect(stdout).toBe(`206 ${2 * MIB - 17}`)
  expect(bytes.equals(await readFile(file))).toBe(true)
})

it('never runs an uploaded page or drawing in a browser', async () => {
  const script = 'document.title = "ran"; fetch("/api/hello?ran")'
  const pages = {
    'page.html': ['text/html', `<html><title>quiet</title><script>${script}</script></html>`],
    'drawing.svg': ['image/svg+xml', `<svg xmlns="http://www.w3.org/2000/svg"><script>${script}</script></svg>`],
    'sniffed.txt': ['text/plain', `<html><title>quiet</title><script>${script}</script></html>`],
  } as const
  const browser = await launchBrowser()
  try {
    for (const [name, [type, body]] of Object.entries(pages)) {
      const url = `${server.url}/api/files/${userId}/web/${name}`
      await fetch(url, { method: 'PUT', headers: { ...authorization(), 'Content-Type': type }, body })
      await fetch(url, {
        method: 'PATCH',
        headers: { ...authorization(), 'Content-Type': 'application/json' },
        body: '{"visibility":"public"}',
      })
      const page = await browser.newPage()
      const asked: string[] = []
      page.on('request', (sent) => asked.push(sent.url()))
      const download = page.waitForEvent('download', { timeout: 5_000 }).catch(() => undefined)
      await page.goto(url).catch(() => undefined)
      const saved = name === 'sniffed.txt' ? undefined : await download
      await page.waitForTimeout(300)
      expect([name, asked.filter((one) => one.includes('ran'))]).toEqual([name, []])
      expect(await page.title()).not.toBe('ran')
      if (name !== 'sniffed.txt') expect(saved?.suggestedFilename()).toBe(name)
      // Embedded in a page of the same origin it does not run either.
      await page.goto(`${server.url}/api/hello`)
      await page.setContent(`<iframe src="${url}"></iframe><object data="${url}"></object><embed src="${url}">`)
      await page.waitForTimeout(300)
      expect([name, asked.filter((one) => one.includes('ran'))]).toEqual([name, []])
      await page.close()
    }
  } finally {
    await browser.close()
  }
}, 60_000)
