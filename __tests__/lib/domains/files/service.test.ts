import { randomUUID } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import { config, setConfig } from '@/lib/config'
import { AppError } from '@/lib/errors'
import { s3Store } from '@/lib/domains/files/storage/s3-store'
import { fileStore } from '@/lib/domains/files/storage/store'
import { createFile, deleteUnreferencedFiles } from '@/lib/domains/files/service'
import { prisma } from '@/lib/platform/db/prisma'
import { api } from '../../../support/api'
import { createUser, signIn } from '../../../support/factories'
import { uniquePath, fileUrl, storeFile } from '../../../support/files'
import { startS3 } from '../../../support/s3'
import { waitFor } from '../../../support/wait'

type Opened = { storedKeys: () => Promise<string[]>; close: () => Promise<void> }

async function openFolder(): Promise<Opened> {
  const folder = join(config().dataDir, 'files')
  return {
    storedKeys: async () => {
      const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => [])
      return entries.filter((entry) => entry.isFile()).map((entry) => entry.name)
    },
    close: async () => {},
  }
}

async function openBucket(): Promise<Opened> {
  const s3 = await startS3({ abortsUploads: true })
  Object.assign(process.env, s3.settings)
  fileStore.replace(Promise.resolve(s3Store({ bucket: 'files', region: 'us-east-1', pathStyle: true })))
  return {
    storedKeys: async () => [...(await s3.objects()), ...(await s3.openUploads())],
    close: async () => {
      fileStore.replace(undefined)
      await s3.remove()
    },
  }
}

const unreferenced = () => prisma().orphanedObject.count()

async function withQuota(filesQuotaBytes: number, work: () => Promise<void>): Promise<void> {
  const before = config()
  setConfig({ ...before, filesQuotaBytes })
  try {
    await work()
  } finally {
    setConfig(before)
  }
}

function put(token: string, path: string, sizeBytes: number) {
  return api('PUT', fileUrl(path), { token, body: Buffer.alloc(sizeBytes) })
}

describe.each([
  ['a folder', openFolder],
  ['a bucket', openBucket],
])('files stored in %s', (_name, open) => {
  let opened: Opened
  beforeAll(async () => {
    opened = await open()
  })
  afterAll(() => opened.close())

  describe('the quota of an owner', () => {
    it('is enforced for concurrent uploads with and without Content-Length', async () => {
      const { user, token } = await signIn()
      await withQuota(100_000, async () => {
        const known = Array.from({ length: 10 }, () => put(token, uniquePath(), 30_000).then(({ status }) => status))
        const unknown = Array.from({ length: 10 }, () => {
          const body = Readable.from([Buffer.alloc(15_000), Buffer.alloc(15_000)])
          const upload = { ownerId: user.id, path: uniquePath(), mimeType: 'text/plain', body }
          return createFile(upload).then(
            () => 201,
            () => 413,
          )
        })
        const statuses = await Promise.all([...known, ...unknown])
        expect(new Set(statuses)).toEqual(new Set([201, 413]))
        const sum = await prisma().storedFile.aggregate({ where: { ownerId: user.id }, _sum: { sizeBytes: true } })
        expect(Number(sum._sum.sizeBytes)).toBeLessThanOrEqual(100_000)
        const usage = await prisma().fileUsage.findUnique({ where: { ownerId: user.id } })
        expect(usage?.sizeBytes).toBe(sum._sum.sizeBytes)
      })
      expect(await unreferenced()).toBe(0)
    })

    it('allows replacing a file by one of equal size but no additional file', async () => {
      const { token } = await signIn()
      const path = uniquePath()
      await withQuota(1_000, async () => {
        expect((await put(token, path, 1_000)).status).toBe(201)
        expect((await put(token, path, 1_000)).status).toBe(200)
        const refused = await put(token, path, 1_001)
        expect([refused.status, refused.json.error.code]).toEqual([413, 'QUOTA_EXCEEDED'])
        expect((await put(token, uniquePath(), 1)).status).toBe(413)
        await api('DELETE', fileUrl(path), { token })
        expect((await put(token, uniquePath(), 1_000)).status).toBe(201)
      })
    })
  })

  it('releases bytes and quota of an upload whose client disconnected', async () => {
    const { id: ownerId } = await createUser()
    const before = await opened.storedKeys()
    const body = new PassThrough()
    body.write(Buffer.alloc(600_000))
    const written = createFile({ ownerId, path: 'a.bin', mimeType: 'text/plain', body, sizeBytes: 1_000_000 })
    await waitFor('the write to begin', async () => (await unreferenced()) > 0)
    body.destroy(
      new AppError('VALIDATION_ERROR', { cause: Object.assign(new Error('aborted'), { code: 'ECONNRESET' }) }),
    )
    await expect(written).rejects.toMatchObject({ code: 'VALIDATION_ERROR' })
    expect(await opened.storedKeys()).toEqual(before)
    expect(await prisma().orphanedObject.count({ where: { ownerId } })).toBe(0)
  })

  describe('the clean-up job', () => {
    it('deletes the files of a deleted account, enqueued in the same transaction', async () => {
      const { user, token } = await signIn()
      const before = await opened.storedKeys()
      await storeFile(token)
      await storeFile(token)
      expect(await opened.storedKeys()).toHaveLength(before.length + 2)
      expect((await api('DELETE', `/api/users/${user.id}`, { token })).status).toBe(204)
      expect(await unreferenced()).toBe(2)
      const jobs = await prisma().$queryRaw<{ task_identifier: string }[]>`
        SELECT task_identifier FROM graphile_worker.jobs WHERE task_identifier = 'delete-unreferenced-files'`
      expect(jobs.length).toBeGreaterThan(0)
      expect(await deleteUnreferencedFiles()).toBe(2)
      expect(await opened.storedKeys()).toEqual(before)
      expect(await unreferenced()).toBe(0)
    })

    it('deletes the objects of crashed processes but not of uploads in progress', async () => {
      const { id: ownerId } = await createUser()
      const [dead, alive] = [randomUUID(), randomUUID()]
      const minutes = (count: number) => new Date(Date.now() + count * 60_000)
      await prisma().orphanedObject.createMany({
        data: [
          { storageKey: dead, ownerId, reservedBytes: 5, leasedUntil: minutes(-1) },
          { storageKey: alive, ownerId, reservedBytes: 5, leasedUntil: minutes(1) },
        ],
      })
      expect(await deleteUnreferencedFiles()).toBe(1)
      expect(await prisma().orphanedObject.findMany({ select: { storageKey: true } })).toEqual([{ storageKey: alive }])
      await prisma().orphanedObject.deleteMany()
    })

    it('makes an upload fail whose object it has deleted', async () => {
      const { id: ownerId } = await createUser()
      const before = await opened.storedKeys()
      const body = Readable.from(
        (async function* () {
          yield Buffer.from('a')
          await prisma().orphanedObject.updateMany({ where: { ownerId }, data: { leasedUntil: new Date(0) } })
          await deleteUnreferencedFiles()
          yield Buffer.from('b')
        })(),
      )
      const written = createFile({ ownerId, path: 'a.txt', mimeType: 'text/plain', body, sizeBytes: 2 })
      await expect(written).rejects.toMatchObject({ code: 'SERVICE_UNAVAILABLE' })
      expect(await prisma().storedFile.count({ where: { ownerId } })).toBe(0)
      await deleteUnreferencedFiles()
      expect(await opened.storedKeys()).toEqual(before)
    })
  })
})
