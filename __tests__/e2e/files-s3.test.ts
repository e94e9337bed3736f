import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { request } from 'node:http'
import { type FileClient, fileKeysInDatabase, createFileClient, sha256, runFileCleanup } from '../support/file-client'
import { queryOnce } from '../support/postgres'
import { startS3, type TestS3 } from '../support/s3'
import { type RunningServer, startServer } from '../support/server'
import { waitFor } from '../support/wait'

jest.setTimeout(120_000)

const MIB = 1024 * 1024
const QUOTA_BYTES = 40 * MIB

let s3: TestS3
let server: RunningServer
let client: FileClient

beforeAll(async () => {
  s3 = await startS3({ abortsUploads: true })
  server = await startServer({ ...s3.settings, FILES_QUOTA_BYTES: String(QUOTA_BYTES) })
})

afterAll(async () => {
  await server.remove()
  await s3.remove()
})

beforeEach(async () => {
  client = await createFileClient(server)
})

/** Expects one object for every file and no others, once all uploads have ended. */
async function expectNothingDangling(): Promise<void> {
  await waitFor('all deletions', async () => (await fileKeysInDatabase(server)).unreferenced === 0)
  expect((await s3.objects()).sort()).toEqual((await fileKeysInDatabase(server)).named)
  expect(await s3.openUploads()).toEqual([])
}

/** Sends the first half of a body. */
async function sendHalf(path: string, sizeBytes: number, url = server.url) {
  const headers = { ...client.authorization, 'Content-Length': sizeBytes }
  const outgoing = request(`${url}/api/files/me/${path}`, { method: 'PUT', headers })
  const response = once(outgoing, 'response').then(([response]) => response)
  // Aborted requests have no response.
  response.catch(() => {})
  outgoing.on('error', () => {})
  await new Promise((resolve) => outgoing.write(randomBytes(sizeBytes / 2), resolve))
  return { outgoing, response }
}

describe('files in a bucket (AWS SDK for JavaScript 3 with lib-storage, against s3rver)', () => {
  it('can be created, read by range, linked, listed, renamed, replaced and deleted', async () => {
    const made = await client.file('POST', 'a/b.txt', { body: '0123456789', headers: { 'Content-Type': 'text/plain' } })
    expect([made.status, made.json().sha256]).toEqual([201, sha256('0123456789')])
    expect((await client.file('POST', 'a/b.txt', { body: 'x' })).json().error.code).toBe('FILE_EXISTS')
    const etag = made.headers.get('etag') ?? ''

    const read = await client.file('GET', 'a/b.txt')
    expect([read.status, read.bytes.toString(), read.headers.get('etag')]).toEqual([200, '0123456789', etag])
    for (const [range, part] of Object.entries({ 'bytes=2-4': '234', 'bytes=7-': '789', 'bytes=-1': '9' })) {
      const response = await client.file('GET', 'a/b.txt', { headers: { Range: range } })
      expect([response.status, response.bytes.toString()]).toEqual([206, part])
    }
    expect((await client.file('GET', 'a/b.txt', { headers: { Range: 'bytes=10-' } })).status).toBe(416)
    expect((await client.file('GET', 'a/b.txt', { headers: { 'If-None-Match': etag } })).status).toBe(304)
    const head = await client.file('HEAD', 'a/b.txt')
    expect([head.status, head.bytes.length, head.headers.get('content-length')]).toEqual([200, 0, '10'])

    const link = await client.send('POST', '/api/files/links', {
      body: JSON.stringify({ path: 'a/b.txt', expiresIn: 60 }),
      headers: { 'Content-Type': 'application/json' },
    })
    const open = async () => (await fetch(`${server.url}${link.json().url}`)).text()
    expect(await open()).toBe('0123456789')

    const renamed = await client.file('PATCH', 'a/b.txt', {
      body: JSON.stringify({ path: 'c.txt' }),
      headers: { 'Content-Type': 'application/json' },
    })
    expect([renamed.status, renamed.json().path]).toEqual([200, 'c.txt'])
    expect((await client.file('PUT', 'c.txt', { body: 'another' })).status).toBe(200)
    expect((await client.file('GET', 'c.txt')).bytes.toString()).toBe('another')
    expect(await open()).toContain('NOT_FOUND')
    expect((await client.send('GET', '/api/files')).json().files.map(({ path }) => path)).toEqual(['c.txt'])
    await expectNothingDangling()
    expect((await client.file('DELETE', 'c.txt')).status).toBe(204)
    await expectNothingDangling()
    expect(await s3.objects()).toEqual([])
  })

  it('are uploaded in parts and returned intact, also for ranges across parts', async () => {
    const bytes = randomBytes(20 * MIB + 7)
    const made = await client.file('PUT', 'large', { body: bytes })
    expect(made.json()).toMatchObject({ size: bytes.length, sha256: sha256(bytes) })
    const parts = s3.requests.filter((each) => /^PUT .*[?&]partNumber=\d/.test(each))
    expect(parts).toHaveLength(3)
    expect(bytes.equals((await client.file('GET', 'large')).bytes)).toBe(true)
    const across = await client.file('GET', 'large', { headers: { Range: `bytes=${8 * MIB - 3}-${8 * MIB + 3}` } })
    expect(across.bytes.equals(bytes.subarray(8 * MIB - 3, 8 * MIB + 4))).toBe(true)
    await expectNothingDangling()
  })

  it('are intact after twenty concurrent replacements', async () => {
    const bodies = Array.from({ length: 20 }, (_, index) => randomBytes(200_000 + index))
    const responses = await Promise.all(bodies.map((body) => client.file('PUT', 'contested', { body })))
    expect(responses.map(({ status }) => status).sort()).toEqual([...Array(19).fill(200), 201])
    const read = await client.file('GET', 'contested')
    expect(bodies.some((body) => body.equals(read.bytes))).toBe(true)
    expect(read.headers.get('etag')).toContain(sha256(read.bytes))
    await expectNothingDangling()
  })

  it('leave no object, part or row of aborted uploads', async () => {
    for (let round = 0; round < 4; round += 1) {
      const halves = [await sendHalf(`gone-${round}`, 18 * MIB), await sendHalf(`gone-too-${round}`, 18 * MIB)]
      await waitFor('the first parts', async () => (await s3.openUploads()).length === halves.length)
      for (const { outgoing } of halves) outgoing.destroy()
      await waitFor('the end of both writes', async () => (await fileKeysInDatabase(server)).unreferenced === 0)
    }
    await expectNothingDangling()
    expect((await client.send('GET', '/api/files')).json().files).toEqual([])
  })

  it('leave no part of an upload whose server was killed after the clean-up job of another server', async () => {
    const { databaseUrl = '' } = server
    const other = await startServer({ ...s3.settings, WORKER: 'off' }, { databaseUrl })
    await sendHalf('killed', 18 * MIB, other.url)
    await waitFor('the first part', async () => (await s3.openUploads()).length === 1)
    await other.kill()
    expect(await s3.openUploads()).toHaveLength(1)
    await runFileCleanup(server)
    await expectNothingDangling()
    await other.remove()
  })

  it('respect the quota under concurrent uploads', async () => {
    const sizeBytes = 6 * MIB
    const posts = Array.from({ length: 10 }, (_, index) =>
      client.file('POST', `room/${index}`, { body: Buffer.alloc(sizeBytes) }),
    )
    const statuses = (await Promise.all(posts)).map(({ status }) => status).sort()
    const fitting = Math.floor(QUOTA_BYTES / sizeBytes)
    expect(statuses).toEqual([...Array(fitting).fill(201), ...Array(10 - fitting).fill(413)])
    await expectNothingDangling()
  })

  it('are deleted from the bucket with the account', async () => {
    await client.file('POST', 'mine.txt', { body: 'mine' })
    const before = (await s3.objects()).length
    expect((await client.send('DELETE', `/api/users/${client.userId}`)).status).toBe(204)
    await waitFor('the deletion', async () => (await s3.objects()).length === before - 1)
    await expectNothingDangling()
  })

  it('return 503 while the bucket is unavailable, without orphaned data or leaked quota', async () => {
    await client.file('POST', 'here.txt', { body: 'here' })
    await client.file('POST', 'deleted.txt', { body: 'deleted' })
    const half = await sendHalf('half.bin', 18 * MIB)
    await waitFor('the first part', async () => (await s3.openUploads()).length > 0)
    await s3.stop()

    half.outgoing.end(randomBytes(9 * MIB))
    expect((await half.response).statusCode).toBe(503)
    for (const [method, path, body] of [
      ['POST', 'new.txt', 'new'],
      ['PUT', 'here.txt', 'replaced'],
      ['GET', 'here.txt', undefined],
    ] as const) {
      const response = await client.file(method, path, body === undefined ? {} : { body })
      expect([method, response.status, response.json().error.code]).toEqual([method, 503, 'SERVICE_UNAVAILABLE'])
      expect(response.headers.get('retry-after')).toMatch(/^[1-9]\d*$/)
    }
    // Requests without file contents still succeed.
    expect((await client.file('HEAD', 'here.txt')).status).toBe(200)
    expect((await client.file('DELETE', 'deleted.txt')).status).toBe(204)
    const ready = await waitFor('the check to notice', async () => {
      const response = await fetch(`${server.url}/api/ready`)
      const { checks }: { checks: { files: { status: string } } } = JSON.parse(await response.text())
      return checks.files.status === 'down' && response
    })
    expect(ready.status).toBe(200)
    const [reserved] = await queryOnce<{ bytes: number }>(
      server.databaseUrl ?? '',
      'SELECT coalesce(sum(reserved_bytes), 0)::int AS bytes FROM orphaned_objects WHERE NOT marked_for_deletion',
    )
    expect(reserved?.bytes).toBe(0)

    await s3.start()
    expect((await client.file('GET', 'here.txt')).bytes.toString()).toBe('here')
    expect((await client.file('PUT', 'new.txt', { body: 'new' })).status).toBe(201)
    await runFileCleanup(server)
    await expectNothingDangling()
    expect(server.output()).not.toMatch(/"level":"(error|fatal)"/)
  })
})
