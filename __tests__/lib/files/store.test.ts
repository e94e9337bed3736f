import { randomBytes, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import S3rver from 's3rver'
import { diskStore } from '@/lib/files/disk-store'
import { s3Store } from '@/lib/files/s3-store'
import type { FileStore } from '@/lib/files/store'

const MIB = 1024 * 1024

type Opened = {
  store: FileStore
  /** One of the same kind whose folder or bucket is not to be had. */
  broken: FileStore
  /** Every file below the folder where the store keeps its bytes. */
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

/** The bucket of an S3-compatible server from npm, over HTTP, through the environment as in production. */
async function openS3(): Promise<Opened> {
  const directory = await mkdtemp(join(tmpdir(), 'hearth-s3-store-'))
  // Its logger complains there that nobody listens to it.
  jest.spyOn(console, 'error').mockImplementation(() => {})
  const server = new S3rver({ port: 0, silent: true, directory, configureBuckets: [{ name: 'files', configs: [] }] })
  const { port } = await server.run()
  Object.assign(process.env, {
    AWS_ENDPOINT_URL_S3: `http://127.0.0.1:${port}`,
    AWS_ACCESS_KEY_ID: 'S3RVER',
    AWS_SECRET_ACCESS_KEY: 'S3RVER',
  })
  return {
    store: s3Store({ bucket: 'files', region: 'us-east-1', pathStyle: true }),
    broken: s3Store({ bucket: 'another', region: 'us-east-1', pathStyle: true }),
    leftovers: async () => (await filesBelow(directory)).filter((name) => name.endsWith('_object')),
    close: async () => {
      await server.close()
      await rm(directory, { recursive: true })
    },
  }
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

  it.each([0, 1, 5 * MIB, 20 * MIB + 7])('gives back the %i bytes that it took', async (size) => {
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
  ])('gives the bytes from %i to %i, both included', async (start, end) => {
    const bytes = randomBytes(9 * MIB + 5)
    const read = await opened.store.read(await stored(bytes), { start, end })
    expect(bytes.subarray(start, end + 1).equals(await buffer(read ?? Readable.from([])))).toBe(true)
  })

  it('has nothing under a key that was never written, and removes it all the same', async () => {
    expect(await opened.store.read(randomUUID())).toBeUndefined()
    await opened.store.remove(randomUUID())
  })

  it('has nothing under a key any more once it was removed', async () => {
    const key = await stored(randomBytes(10))
    await opened.store.remove(key)
    expect(await opened.store.read(key)).toBeUndefined()
  })

  it.each([0, 3 * MIB, 18 * MIB])('keeps nothing of a body that fails after %i bytes', async (size) => {
    const before = await opened.leftovers()
    const key = randomUUID()
    const failing = Readable.from(
      (function* () {
        for (let sent = 0; sent < size; sent += MIB) yield randomBytes(MIB)
        throw new Error('the client hung up')
      })(),
    )
    await expect(opened.store.write(key, failing)).rejects.toThrow('the client hung up')
    expect(await opened.store.read(key)).toBeUndefined()
    expect(await opened.leftovers()).toEqual(before)
  })

  it('lets a reader give up half-way', async () => {
    const read = await opened.store.read(await stored(randomBytes(6 * MIB)))
    if (read === undefined) throw new Error('There is nothing to read.')
    await once(read, 'data')
    read.destroy()
    await once(read, 'close')
    expect(read.readableEnded).toBe(false)
  })

  it('says so when it cannot be used', async () => {
    await expect(opened.broken.check()).rejects.toMatchObject({ message: expect.any(String) })
  })
})
