import { randomBytes, randomUUID } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { config, setConfig } from '@/lib/config'
import { prisma } from '@/lib/platform/db/prisma'
import { api, type ApiResponse, type Body } from '../../support/api'
import { signIn } from '../../support/factories'
import { uniquePath, fileUrl, storeFile } from '../../support/files'
import { gif, png } from '../../support/images'

type Send = (body?: string | Buffer, key?: string) => Promise<ApiResponse<Body>>
type Caller = { token: string; ownerId: number; sendFile: Send; sendImage: Send; key: string; path: string }

async function caller(): Promise<Caller> {
  const { token, user } = await signIn()
  const [key, path] = [randomUUID(), uniquePath()]
  const headersOf = (given: string) => ({ 'Idempotency-Key': given })
  const sendFile: Send = (body = 'hello', given = key) =>
    api('POST', fileUrl(path), { token, body: new Uint8Array(Buffer.from(body)), headers: headersOf(given) })
  const sendImage: Send = (body = png(), given = key) => {
    const form = new FormData()
    form.append('file', new File([new Uint8Array(Buffer.from(body))], 'a.png'))
    return api('POST', '/api/upload', { token, body: form, headers: headersOf(given) })
  }
  return { token, ownerId: user.id, sendFile, sendImage, key, path }
}

/** Returns the number of files of an owner and the bytes stored for them, including uploads in progress. */
async function expectStored(ownerId: number, count: number): Promise<void> {
  const files = await prisma().storedFile.findMany({ where: { ownerId }, select: { storageKey: true } })
  expect(files).toHaveLength(count)
  expect(await prisma().orphanedObject.count({ where: { ownerId } })).toBe(0)
}

const storedKeys = async () =>
  (await readdir(join(config().dataDir, 'files'), { recursive: true })).filter((name) => name.includes('/')).sort()

function expectReplay(first: ApiResponse<Body>, again: ApiResponse<Body>): void {
  expect([again.status, again.text]).toEqual([first.status, first.text])
  expect(first.headers.get('idempotency-replayed')).toBeNull()
  expect(again.headers.get('idempotency-replayed')).toBe('true')
  for (const name of ['location', 'etag']) expect(again.headers.get(name)).toBe(first.headers.get(name))
}

describe.each(['sendFile', 'sendImage'] as const)('Idempotency-Key with a binary body: %s', (way) => {
  const other = way === 'sendFile' ? 'other' : gif()

  it('replays the first response and stores no bytes twice', async () => {
    const { [way]: send, ownerId } = await caller()
    const first = await send()
    expect(first.status).toBe(201)
    const stored = await storedKeys()
    expectReplay(first, await send())
    await expectStored(ownerId, 1)
    expect(await storedKeys()).toEqual(stored)
  })

  it('returns 422 for other bytes with the same key', async () => {
    const { [way]: send, ownerId } = await caller()
    const first = await send()
    const stored = await storedKeys()
    const refused = await send(other)
    expect([refused.status, refused.json.error.code]).toEqual([422, 'IDEMPOTENCY_KEY_REUSED'])
    await expectStored(ownerId, 1)
    expect(await storedKeys()).toEqual(stored)
    expectReplay(first, await send())
  })

  it('creates one file for two concurrent requests', async () => {
    const { [way]: send, ownerId } = await caller()
    const responses = await Promise.all([send(), send()])
    const created = responses.filter(
      ({ status, headers }) => status === 201 && headers.get('idempotency-replayed') === null,
    )
    expect(created).toHaveLength(1)
    const [first] = created
    for (const response of responses) {
      if (response === first) continue
      if (response.status === 409) expect(response.json.error.code).toBe('IDEMPOTENCY_IN_PROGRESS')
      else expect([response.status, response.text]).toEqual([201, first?.text])
    }
    await expectStored(ownerId, 1)
  })

  it('replays the first response when the quota is exhausted', async () => {
    const { [way]: send, ownerId } = await caller()
    const first = await send()
    const before = config()
    const { _sum: sum } = await prisma().storedFile.aggregate({ where: { ownerId }, _sum: { sizeBytes: true } })
    setConfig({ ...before, filesQuotaBytes: Number(sum.sizeBytes) })
    try {
      expectReplay(first, await send())
      const code = (await send(other, 'another')).json.error.code
      expect(code).toBe(way === 'sendFile' ? 'FILE_EXISTS' : 'QUOTA_EXCEEDED')
    } finally {
      setConfig(before)
    }
    await expectStored(ownerId, 1)
  })

  it.each(['', 'a b', 'x'.repeat(256)])('returns 400 for the key %j', async (given) => {
    const { [way]: send, ownerId } = await caller()
    expect((await send(undefined, given)).status).toBe(400)
    await expectStored(ownerId, 0)
  })
})

describe('Idempotency-Key with POST /api/files/:owner/:path', () => {
  it('replays the first response after the file is deleted, without creating it', async () => {
    const { sendFile, token, path, ownerId } = await caller()
    const first = await sendFile()
    expect((await api('DELETE', fileUrl(path), { token })).status).toBe(204)
    expectReplay(first, await sendFile())
    await expectStored(ownerId, 0)
  })

  it('replays an error too', async () => {
    const { sendFile, token, path, ownerId } = await caller()
    await storeFile(token, { path })
    const first = await sendFile()
    expect([first.status, first.json.error.code]).toEqual([409, 'FILE_EXISTS'])
    await api('DELETE', fileUrl(path), { token })
    expectReplay(first, await sendFile())
    await expectStored(ownerId, 0)
  })

  it('returns 422 for another type, and executes the request of another caller', async () => {
    const { sendFile, token, path, key } = await caller()
    await sendFile()
    const headers = { 'Idempotency-Key': key, 'Content-Type': 'text/plain' }
    expect((await api('POST', fileUrl(path), { token, body: 'hello', headers })).status).toBe(422)
    const other = await signIn()
    expect((await api('POST', fileUrl(path), { token: other.token, body: 'hello', headers })).status).toBe(201)
  })

  it('stores large bodies intact', async () => {
    const { sendFile, token, path } = await caller()
    const bytes = randomBytes(3 * 1024 * 1024)
    const first = await sendFile(bytes)
    expectReplay(first, await sendFile(bytes))
    const read = await api('GET', fileUrl(path), { token })
    expect(Number(read.headers.get('content-length'))).toBe(bytes.length)
  })
})

describe('Idempotency-Key with POST /api/files/links', () => {
  it('replays the link, and returns 422 for another request', async () => {
    const { token } = await signIn()
    const { path } = await storeFile(token)
    const headers = { 'Idempotency-Key': randomUUID() }
    const send = (expiresIn: number) => api('POST', '/api/files/links', { token, json: { path, expiresIn }, headers })
    const first = await send(60)
    expect(first.status).toBe(201)
    expectReplay(first, await send(60))
    expect((await send(61)).status).toBe(422)
    const [one, two] = await Promise.all([send(60), send(60)])
    expect([one.text, two.text].every((text, at) => text === first.text || [one, two][at]?.status === 409)).toBe(true)
  })
})
