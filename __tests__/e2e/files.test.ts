import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, readlink, rm } from 'node:fs/promises'
import { request } from 'node:http'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { type FileClient, fileKeysInDatabase, createFileClient, sha256 } from '../support/file-client'
import { png } from '../support/images'
import { startServer, type RunningServer } from '../support/server'
import { waitFor } from '../support/wait'

const MIB = 1024 * 1024
const GIB = 1024 * MIB
const QUOTA_BYTES = 3 * GIB
const HANG_UPS = 200

let server: RunningServer
let client: FileClient
let temporary: string

beforeAll(async () => {
  temporary = await mkdtemp(join(tmpdir(), 'hearth-files-tmp-'))
  const settings = { FILES_QUOTA_BYTES: String(QUOTA_BYTES), WORKER: 'off', TMPDIR: temporary }
  server = await startServer(settings)
  client = await createFileClient(server)
}, 120_000)

afterAll(async () => {
  await server.remove()
  await rm(temporary, { recursive: true, force: true })
})

afterEach(() => {
  expect(server.output()).not.toMatch(/"level":"(error|fatal)"/)
})

async function storedKeys(): Promise<string[]> {
  const entries = await readdir(join(server.dataDir, 'files'), { recursive: true, withFileTypes: true })
  return entries.flatMap((entry) => (entry.isFile() ? [entry.name] : [])).sort()
}

/** Returns the open file descriptors of the server (Linux). */
async function openHandles(): Promise<string[]> {
  const folder = `/proc/${server.process.pid}/fd`
  const links = (await readdir(folder)).map((name) => readlink(join(folder, name)).catch(() => 'closed meanwhile'))
  return Promise.all(links)
}

/** Expects that all uploads have ended and every stored file belongs to a row. */
async function expectNothingLeftOver(): Promise<void> {
  await waitFor('the end of all uploads', async () => (await fileKeysInDatabase(server)).unreferenced === 0)
  expect(await storedKeys()).toEqual((await fileKeysInDatabase(server)).named)
  await waitFor('the files to be closed', async () =>
    (await openHandles()).every((target) => !target.startsWith(join(server.dataDir, 'files'))),
  )
  const ofOthers = /^(tsx-|node-compile)/
  expect((await readdir(temporary)).filter((name) => !ofOthers.test(name))).toEqual([])
}

async function residentMib(): Promise<number> {
  const status = await readFile(`/proc/${server.process.pid}/status`, 'utf8')
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) / 1024
}

/** Returns the growth of the server's resident memory during some work. */
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

function openSocket(): Socket {
  const { hostname, port } = new URL(server.url)
  return connect(Number(port), hostname)
}

/** Returns a raw request head, which client libraries would reject. */
function rawHead(method: string, target: string, ...lines: string[]): string {
  return [`${method} ${target} HTTP/1.1`, 'Host: x', `Authorization: Bearer ${client.token}`, ...lines, '', ''].join(
    '\r\n',
  )
}

/** Sends raw bytes. Returns everything received until the connection closes, or a second after `Connection: close`. */
async function rawAnswer(text: string): Promise<string> {
  const socket = openSocket()
  socket.write(text, 'latin1')
  let response = ''
  for await (const chunk of socket) response += String(chunk)
  return response
}

const statusOf = (response: string) => Number(/^HTTP\/1\.1 (\d+)/.exec(response)?.[1])

it('stores and returns 1 GiB in less than 64 MiB of memory', async () => {
  const block = randomBytes(MIB)
  const hash = createHash('sha256')
  for (let sent = 0; sent < 1024; sent += 1) hash.update(block)
  const expected = hash.digest('hex')
  const url = `${server.url}/api/files/me/gib`
  let stored: unknown
  const riseOfPost = await residentRise(async () => {
    const sending = request(url, { method: 'POST', headers: { ...client.authorization, 'Content-Length': GIB } })
    const responded = once(sending, 'response')
    Readable.from(
      (function* () {
        for (let sent = 0; sent < 1024; sent += 1) yield block
      })(),
    ).pipe(sending)
    const [response] = await responded
    let text = ''
    for await (const chunk of response) text += String(chunk)
    stored = JSON.parse(text)
  })
  expect(stored).toMatchObject({ size: GIB, sha256: expected })
  const read = createHash('sha256')
  const riseOfGet = await residentRise(async () => {
    const response = await fetch(url, { headers: client.authorization })
    for await (const chunk of response.body ?? []) read.update(chunk)
  })
  expect(read.digest('hex')).toBe(expected)
  process.stdout.write(
    `resident memory rose by ${riseOfPost.toFixed(1)} MiB (POST), ${riseOfGet.toFixed(1)} MiB (GET)\n`,
  )
  expect(riseOfPost).toBeLessThan(64)
  expect(riseOfGet).toBeLessThan(64)
  await client.file('DELETE', 'gib')
}, 180_000)

it('rejects every path traversal in any encoding without side effects', async () => {
  const before = await readdir(server.dataDir, { recursive: true })
  const paths = [
    ...['..%2fx', '%2e%2e/x', '%2e%2e%2fx', '../x', '../../users', 'a/../../../x', '%252e%252e/x', '%252e%252e%252fx'],
    ...['%25252e%25252e/x', '..\\x', '..%5cx', '%5c..%5cx', 'a%00.txt', '%00', '%2500', 'a%0d%0ab', 'a%7f', '%c2%85'],
    ...['%c0%ae%c0%ae/x', '%e0%80%ae/x', '%f0%80%80%ae/x', '%c1%9c', '%ff', '/etc/passwd', '%2fetc%2fpasswd', '//x'],
    ...['C:/x', 'C:%5cx', 'c%3a/x', 'a//b', 'a/', '.', './x', 'a/./b', '%2e', 'x'.repeat(300), '%61'.repeat(300)],
    ...['a/'.repeat(2_500) + 'a', 'x'.repeat(5_000), '%F0%9F%98%80'.repeat(64), '\0', 'a\x01b', '%uff0e%uff0e/x'],
  ]
  for (const method of ['GET', 'PUT', 'POST', 'PATCH', 'DELETE']) {
    for (const path of paths) {
      const head = rawHead(method, `/api/files/me/${path}`, 'Content-Length: 1', 'Connection: close')
      const status = statusOf(await rawAnswer(`${head}x`))
      // `..` beyond the owner may match another route, which must not succeed.
      expect([method, path, [400, 404, 405].includes(status) ? 'refused' : status]).toEqual([method, path, 'refused'])
    }
  }
  expect(await readdir(server.dataDir, { recursive: true })).toEqual(before)
}, 120_000)

it('leaves nothing behind of 200 uploads that are aborted at any point', async () => {
  await client.file('PUT', 'big', { body: randomBytes(8 * MIB) })
  const handlesBefore = (await openHandles()).length
  const hangUp = async (index: number): Promise<void> => {
    const size = 2 * MIB
    const socket = openSocket()
    socket.on('error', () => {})
    const closed = once(socket, 'close')
    if (index % 4 === 3) {
      socket.write(rawHead('GET', '/api/files/me/big'))
      let seen = 0
      const enough = Math.random() * 8 * MIB
      socket.on('data', (chunk: Buffer) => {
        seen += chunk.length
        if (seen >= enough) socket.destroy()
      })
      setTimeout(() => socket.destroy(), 2_000)
    } else {
      const sent = index % 2 === 0 ? size / 2 : Math.floor(Math.random() * size)
      socket.write(rawHead(index % 3 === 0 ? 'POST' : 'PUT', `/api/files/me/gone-${index}`, `Content-Length: ${size}`))
      socket.write(randomBytes(sent), () => setTimeout(() => socket.destroy(), Math.random() * 30))
    }
    await closed
  }
  for (let index = 0; index < HANG_UPS; index += 10) {
    await Promise.all(Array.from({ length: 10 }, (_, offset) => hangUp(index + offset)))
  }
  await expectNothingLeftOver()
  expect((await client.send('GET', '/api/files?prefix=gone')).json().files).toEqual([])
  // The pool of database connections may have grown.
  await waitFor('the connections to end', async () => (await openHandles()).length <= handlesBefore + 12)
}, 180_000)

it('leaves nothing behind of 200 forms that are aborted at any point', async () => {
  const before = await fileKeysInDatabase(server)
  const head = '--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\nContent-Type: image/png\r\n\r\n'
  const body = Buffer.concat([Buffer.from(head), png(), randomBytes(2 * MIB), Buffer.from('\r\n--b--\r\n')])
  const hangUp = async (sentBytes: number): Promise<void> => {
    const socket = openSocket()
    socket.on('error', () => {})
    const closed = once(socket, 'close')
    const type = 'Content-Type: multipart/form-data; boundary=b'
    socket.write(rawHead('POST', '/api/upload', type, `Content-Length: ${body.length}`))
    socket.write(body.subarray(0, sentBytes), () => setTimeout(() => socket.destroy(), Math.random() * 20))
    await closed
  }
  for (let index = 0; index < HANG_UPS; index += 10) {
    await Promise.all(Array.from({ length: 10 }, () => hangUp(Math.floor(Math.random() * body.length))))
  }
  await expectNothingLeftOver()
  expect(await fileKeysInDatabase(server)).toEqual(before)
}, 180_000)

it('leaves nothing behind of rejected forms and returns the error of each', async () => {
  const before = await fileKeysInDatabase(server)
  const image = png(20, 10)
  const part = (bytes: Buffer, { name = 'file', type = 'image/png' } = {}) =>
    Buffer.concat([
      Buffer.from(
        `--b\r\nContent-Disposition: form-data; name="${name}"; filename="a.png"\r\nContent-Type: ${type}\r\n\r\n`,
      ),
      ...[bytes, Buffer.from('\r\n')],
    ])
  const form = (...parts: Buffer[]) => Buffer.concat([...parts, Buffer.from('--b--\r\n')])
  const forms: [what: string, body: Buffer, status: number, says: RegExp][] = [
    ['a pixel bomb', form(part(png(60_000, 60_000, { pixels: false }))), 400, /50000000 pixels/],
    [
      'a polyglot',
      form(part(Buffer.concat([image, Buffer.from('<script>alert(1)</script>')]))),
      400,
      /HTML or scripts/,
    ],
    ['a truncated body', form(part(image)).subarray(0, -20), 400, /truncated/],
    ['ten parts', form(...Array.from({ length: 10 }, () => part(image))), 400, /only part/],
    ['a missing part', form(), 400, /is required/],
    ['a wrong field name', form(part(image, { name: 'photo' })), 400, /"photo":\["is not allowed"\]/],
    ['a wrong type by its content', form(part(Buffer.from('%PDF-1.7 and so on'))), 400, /JPEG, PNG or GIF/],
    ['a body over the limit', form(part(Buffer.concat([image, randomBytes(11 * MIB)]))), 413, /PAYLOAD_TOO_LARGE/],
  ]
  for (const [what, body, status, says] of forms) {
    const response = await client.send('POST', '/api/upload', {
      body: new Uint8Array(body),
      headers: { 'Content-Type': 'multipart/form-data; boundary=b' },
    })
    expect([what, response.status]).toEqual([what, status])
    expect(response.bytes.toString()).toMatch(says)
  }
  await expectNothingLeftOver()
  expect(await fileKeysInDatabase(server)).toEqual(before)
})

it('responds to clients that send all of a rejected body before they read, and keeps their connection', async () => {
  await client.file('PUT', 'taken', { body: 'taken' })
  const size = 24 * MIB
  for (const [status, method, target, line] of [
    [409, 'POST', '/api/files/me/taken', ''],
    [412, 'PUT', '/api/files/me/taken', 'If-Match: "other"'],
    [404, 'PUT', '/api/files/999999/x', ''],
    [400, 'PUT', '/api/files/me/a//b', ''],
    [415, 'PUT', '/api/files/me/x', 'Content-Encoding: gzip'],
    [413, 'POST', '/api/upload', 'Content-Type: multipart/form-data; boundary=b'],
  ] as const) {
    const socket = openSocket()
    socket.pause()
    const lines = [`Content-Length: ${size}`, ...(line === '' ? [] : [line])]
    socket.write(rawHead(method, target, ...lines))
    await new Promise((resolve) => socket.write(Buffer.alloc(size), resolve))
    socket.write(rawHead('GET', '/api/files/me/taken', 'Connection: close'))
    let text = ''
    for await (const chunk of socket) text += String(chunk)
    expect([method, target, statusOf(text)]).toEqual([method, target, status])
    expect(text.slice(text.indexOf('HTTP/1.1 200'))).toMatch(/\r\n\r\ntaken$/)
  }
  await expectNothingLeftOver()
}, 60_000)

it('rejects duplicate and invalid lengths, and types with line breaks', async () => {
  const stored = await storedKeys()
  const chunked = '3\r\nabc\r\n0\r\n\r\n'
  for (const [statuses, lines, body] of [
    [[400], ['Transfer-Encoding: chunked', 'Content-Length: 3'], chunked],
    [[400], ['Content-Length: 3', 'Transfer-Encoding: chunked'], chunked],
    [[400], ['Content-Length: 3', 'Content-Length: 4'], 'abc'],
    [[400], ['Transfer-Encoding: chunked, identity'], chunked],
    [[400], ['Transfer-Encoding: chunked'], '-1\r\nabc\r\n0\r\n\r\n'],
    [[400], ['Transfer-Encoding: chunked'], 'fffffffffffffffff\r\nabc\r\n0\r\n\r\n'],
    [[400], ['Content-Length: -1'], 'abc'],
    [[400], ['Content-Length: 3, 3'], 'abc'],
    [[413], ['Content-Length: 9007199254740993'], 'abc'],
    [[400, 413], ['Content-Length: 99999999999999999999'], 'abc'],
    [[413], [`Content-Length: ${QUOTA_BYTES + 1}`], 'abc'],
    [[400, 415], ['Content-Length: 3', 'Content-Type: text/plain\r\n X: y'], 'abc'],
    [[400, 415], ['Content-Length: 3', 'Content-Type: text/plain\rX: y'], 'abc'],
    [[400, 415], ['Content-Length: 3', 'Content-Type: text/plain\nX: y\0'], 'abc'],
    [[400, 415], ['Content-Length: 3', 'Content-Type: text/plain; a="\x01"'], 'abc'],
    [[415], ['Content-Length: 3', `Content-Type: text/${'x'.repeat(10_000)}`], 'abc'],
    [[400, 431], ['Content-Length: 3', `Content-Type: text/${'x'.repeat(20_000)}`], 'abc'],
  ] as const) {
    const response = await rawAnswer(rawHead('PUT', '/api/files/me/odd', ...lines, 'Connection: close') + body)
    expect([lines.join('|').slice(0, 80), statuses.some((status) => status === statusOf(response))]).toEqual([
      lines.join('|').slice(0, 80),
      true,
    ])
  }
  expect((await client.file('GET', 'odd')).status).toBe(404)
  await expectNothingLeftOver()
  expect(await storedKeys()).toEqual(stored)
})

it('supports Expect: 100-continue and slow bodies during other requests', async () => {
  const slow = openSocket()
  slow.write(
    rawHead('PUT', '/api/files/me/slow', 'Transfer-Encoding: chunked', 'Expect: 100-continue', 'Connection: close'),
  )
  let said = ''
  slow.on('data', (chunk) => (said += String(chunk)))
  await waitFor('100', () => said.startsWith('HTTP/1.1 100 Continue\r\n\r\n'))
  for (const character of '0123456789') {
    slow.write(`1\r\n${character}\r\n`)
    await sleep(50)
    expect((await client.file('GET', 'slow')).status).toBe(404)
  }
  slow.write('0\r\n\r\n')
  await once(slow, 'close')
  expect(statusOf(said.slice(said.indexOf('\r\n\r\n') + 4))).toBe(201)
  const read = await client.file('GET', 'slow')
  expect(read.bytes.toString()).toBe('0123456789')
  expect(read.headers.get('etag')).toContain(sha256('0123456789'))
})
