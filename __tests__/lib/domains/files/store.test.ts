import { randomBytes, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { diskStore } from '@/lib/domains/files/storage/disk-store'
import { s3Store } from '@/lib/domains/files/storage/s3-store'
import type { FileStore } from '@/lib/domains/files/storage/store'
import { startS3, type TestS3 } from '../../../support/s3'

const MIB = 1024 * 1024

type Opened = {
  store: FileStore
  /** A store of the same kind whose folder or bucket does not exist. */
  broken: FileStore
  /** Returns all stored objects. */
  leftovers: () => Promise<string[]>
  close: () => Promise<void>
}

async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  return entries.filter((entry) => entry.isFile()).map((entry) => entry.name)
}

async function openDisk(): Promise<Opened> {
  const folder = await mkdtemp(join(tmpdir(), 'hearth-disk-store-'))
  return {
    store: diskStore(join(folder, 'files')),
    broken: diskStore('/dev/null/hearth'),
    leftovers: () => filesBelow(folder),
    close: () => rm(folder, { recursive: true }),
  }
}

const bucket = (name = 'files') => s3Store({ bucket: name, region: 'us-east-1', pathStyle: true })

/** Opens a bucket of a local S3-compatible server over HTTP, configured by the environment as in production. */
async function openS3(): Promise<Opened> {
  const s3 = await startS3({ abortsUploads: true })
  Object.assign(process.env, s3.settings)
  return {
    store: bucket(),
    broken: bucket('another'),
    leftovers: async () => [...(await s3.objects()), ...(await s3.openUploads())],
    close: s3.remove,
  }
}

function failingAfter(size: number): Readable {
  return Readable.from(
    (function* () {
      for (let sent = 0; sent < size; sent += MIB) yield randomBytes(MIB)
      throw new Error('the client hung up')
    })(),
  )
}

describe.each([
  ['a folder', openDisk],
  ['a bucket', openS3],
])('the store in %s', (_name, open) => {
  let opened: Opened
  beforeAll(async () => {
    opened = await open()
    await opened.store.check()
  })
  afterAll(async () => {
    await opened.close()
  })

  async function stored(bytes: Buffer): Promise<string> {
    const key = randomUUID()
    await opened.store.write(key, Readable.from([bytes]))
    return key
  }

  it.each([0, 1, 5 * MIB, 20 * MIB + 7])('returns the %i bytes that it stored', async (size) => {
    const bytes = randomBytes(size)
    const read = await opened.store.read(await stored(bytes))
    expect(read).toBeDefined()
    expect(bytes.equals(await buffer(read ?? Readable.from([])))).toBe(true)
  })

  it.each([
    [0, 1],
    [3, 9],
    [9 * MIB, 9 * MIB + 4],
    [9 * MIB + 4, 9 * MIB + 4],
  ])('returns the bytes from %i to %i inclusive', async (start, end) => {
    const bytes = randomBytes(9 * MIB + 5)
    const read = await opened.store.read(await stored(bytes), { start, end })
    expect(bytes.subarray(start, end + 1).equals(await buffer(read ?? Readable.from([])))).toBe(true)
  })

  it('returns nothing for an unknown key, whose deletion succeeds', async () => {
    expect(await opened.store.read(randomUUID())).toBeUndefined()
    await opened.store.remove(randomUUID())
  })

  it('returns nothing for a deleted key', async () => {
    const key = await stored(randomBytes(10))
    await opened.store.remove(key)
    expect(await opened.store.read(key)).toBeUndefined()
  })

  it.each([0, 3 * MIB, 18 * MIB])('stores nothing of a body that fails after %i bytes', async (size) => {
    const before = await opened.leftovers()
    const key = randomUUID()
    await expect(opened.store.write(key, failingAfter(size))).rejects.toThrow('the client hung up')
    expect(await opened.store.read(key)).toBeUndefined()
    expect(await opened.leftovers()).toEqual(before)
  })

  it('supports aborted reads', async () => {
    const read = await opened.store.read(await stored(randomBytes(6 * MIB)))
    if (read === undefined) throw new Error('There is nothing to read.')
    await once(read, 'data')
    read.destroy()
    await once(read, 'close')
    expect(read.readableEnded).toBe(false)
  })

  it('reports that it is unavailable', async () => {
    await expect(opened.broken.check()).rejects.toMatchObject({ message: expect.any(String) })
  })
})

describe('a bucket', () => {
  let s3: TestS3
  beforeAll(async () => {
    s3 = await startS3()
    Object.assign(process.env, s3.settings)
  })
  afterAll(() => s3.remove())

  it('abandons a failed multipart upload if the server can neither list nor abort uploads', async () => {
    const key = randomUUID()
    await expect(bucket().write(key, failingAfter(18 * MIB))).rejects.toThrow('the client hung up')
    expect(s3.requests.some((request) => request.includes('partNumber=1'))).toBe(true)
    await bucket().remove(key)
    expect(await s3.objects()).toEqual([])
  })

  it('is reported as unavailable while its server returns 503', async () => {
    const store = bucket()
    const key = randomUUID()
    s3.isFailing = true
    const attempts = [
      store.write(key, Readable.from([randomBytes(10)])),
      store.write(key, Readable.from([randomBytes(9 * MIB), randomBytes(9 * MIB)])),
      store.read(key),
      store.remove(key),
    ]
    const unavailable = {
      code: 'SERVICE_UNAVAILABLE',
      headers: { 'Retry-After': expect.stringMatching(/^[1-9]\d*$/) },
    }
    await Promise.all(attempts.map((attempt) => expect(attempt).rejects.toMatchObject(unavailable)))
    s3.isFailing = false
    expect(await store.read(key)).toBeUndefined()
  })
})
