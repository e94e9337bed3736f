import { createHash, randomUUID } from 'node:crypto'
import { callbackify } from 'node:util'
import { pipeline, Transform, type Readable } from 'node:stream'
import { config } from '@/lib/config'
import { isDatabaseUnavailable } from '@/lib/platform/db/errors'
import { inTransaction } from '@/lib/platform/db/transaction'
import { AppError, isAppError, serviceUnavailable } from '@/lib/errors'
import { logger } from '@/lib/logger'
import { recordFileCreation, recordFileUpdate } from './file-events'
import * as repository from './repository'
import type { PendingUpload, StoredFile } from './repository'
import type { Visibility } from './schema'
import { fileStore } from '@/lib/domains/files/storage/store'

/** Quota reserved ahead of a body of unknown length, so that not every chunk needs a query. */
const RESERVE_AHEAD_BYTES = 16 * 1024 * 1024
const DISK_FULL_RETRY_SECONDS = 60
const RENEW_LEASE_MS = 60_000
const BUFFER_BYTES = 512 * 1024

export type Upload = {
  ownerId: number
  path: string
  mimeType: string
  /** When undefined, a replaced file keeps its visibility and a new one is private. */
  visibility?: Visibility | undefined
  body: Readable
  /** The length of the body if it is known in advance. */
  sizeBytes?: number | undefined
}

/** Checks the current file, undefined if there is none, before a change; throws to prevent the change. */
export type FilePrecondition = (current: StoredFile | undefined) => void

export type Written = { file: StoredFile; created: boolean }

/** Decides what happens to stored bytes: `complete` calls `commit` to create the file, or the bytes are deleted. */
export type CommitDecision<T> = {
  complete: (sha256: string, commit: () => Promise<Written>) => Promise<T>
  /** Reads a rejected body to its end to get its hash; `commit` then throws the rejection. */
  hashRejectedBody: boolean
}

export const commitImmediately: CommitDecision<Written> = {
  complete: (_sha256, commit) => commit(),
  hashRejectedBody: false,
}

type Staged = { size: number; sha256: string; rejection: AppError | undefined }

/**
 * Locks the files of an owner until the transaction ends. Returns the bytes that they use.
 *
 * @throws UNAUTHORIZED when the owner's account was deleted: only owners write
 */
export async function lockOwner(ownerId: number): Promise<number> {
  const usedBytes = await repository.lockUsage(ownerId)
  if (usedBytes === undefined) throw new AppError('UNAUTHORIZED')
  return usedBytes
}

function tooManyFiles(): AppError {
  return new AppError('QUOTA_EXCEEDED', { message: `A user can have at most ${config().filesPerUser} files.` })
}

/** Returns how many bytes may be written before the disk has less than `FILES_MIN_FREE_BYTES`; null if unbounded. */
async function availableDiskBytes(): Promise<number | null> {
  const freeBytes = await (await fileStore()).freeBytes()
  return freeBytes === undefined ? null : Math.max(0, freeBytes - config().filesMinFreeBytes)
}

/**
 * Reserves quota for an upload. Returns the number of bytes granted.
 *
 * @throws UNAUTHORIZED when the owner's account was deleted
 * @throws QUOTA_EXCEEDED when the needed bytes do not fit, or the owner has too many files
 * @throws SERVICE_UNAVAILABLE when the disk is almost full
 */
async function reserveQuota(
  upload: PendingUpload,
  request: { neededBytes: number; wantedBytes: number; isNew: boolean },
): Promise<number> {
  const { filesQuotaBytes: quotaBytes, filesPerUser: filesMax, filesTotalBytes: totalBytes } = config()
  const limits = { quotaBytes, filesMax, totalBytes, diskBytes: await availableDiskBytes() }
  const granted = await repository.reserveQuota(upload, { ...request, limits })
  switch (granted) {
    case 'no-owner':
      throw new AppError('UNAUTHORIZED')
    case 'no-quota':
      throw new AppError('QUOTA_EXCEEDED')
    case 'too-many-files':
      throw tooManyFiles()
    case 'no-total':
      throw new AppError('QUOTA_EXCEEDED', { message: 'The storage of the service is full.' })
    case 'disk-full':
      throw serviceUnavailable(new Error('The disk is almost full.'), DISK_FULL_RETRY_SECONDS)
    default:
      return granted
  }
}

/**
 * Creates a stream that hashes and counts the bytes that pass. `admit` may delay or reject them by the count so far. With
 * `hashRejectedBody` the bytes after a rejection are hashed but not passed on.
 */
function hashAndCount(
  admit: (sizeBytes: number) => Promise<void> | undefined,
  hashRejectedBody: boolean,
): { stream: Transform; staged: () => Staged } {
  const hash = createHash('sha256')
  let sizeBytes = 0
  let rejection: AppError | undefined
  const stream = new Transform({
    readableHighWaterMark: BUFFER_BYTES,
    writableHighWaterMark: BUFFER_BYTES,
    transform(chunk: Buffer, _encoding, done) {
      sizeBytes += chunk.length
      hash.update(chunk)
      if (rejection !== undefined) {
        done(sizeBytes > config().filesQuotaBytes ? rejection : null)
        return
      }
      const admitted = admit(sizeBytes)
      if (admitted === undefined) done(null, chunk)
      else {
        callbackify(() => admitted)((error) => {
          if (hashRejectedBody && isAppError(error)) rejection = error
          done(rejection === undefined ? error : null, rejection === undefined ? chunk : undefined)
        })
      }
    },
  })
  return { stream, staged: () => ({ size: sizeBytes, sha256: hash.digest('hex'), rejection }) }
}

/** Streams a body into the store within the owner's quota. */
async function storeBody(upload: PendingUpload, body: Readable, hashRejectedBody: boolean): Promise<Staged> {
  let admittedBytes = upload.sizeBytes
  const { stream, staged } = hashAndCount((sizeBytes) => {
    if (sizeBytes <= admittedBytes) return undefined
    const request = { neededBytes: sizeBytes, wantedBytes: sizeBytes + RESERVE_AHEAD_BYTES, isNew: false }
    return reserveQuota(upload, request).then((granted) => {
      admittedBytes = granted
    })
  }, hashRejectedBody)
  const store = await fileStore()
  // The store sees a failure of the body as an error of the stream that it reads.
  pipeline(body, stream, () => {})
  await store.write(upload.storageKey, stream)
  return staged()
}

/** Hashes a body without storing it. Throws the rejection for a body over the quota, which cannot be a repeated request. */
async function hashRejected({ body, sizeBytes = 0 }: Upload, rejection: AppError): Promise<Staged> {
  const { filesQuotaBytes: quotaBytes } = config()
  const hash = createHash('sha256')
  let size = 0
  if (sizeBytes > quotaBytes) body.destroy()
  else {
    for await (const chunk of body) {
      size += chunk.length
      if (size > quotaBytes) break
      hash.update(chunk)
    }
  }
  if (Math.max(size, sizeBytes) > quotaBytes) throw rejection
  return { size, sha256: hash.digest('hex'), rejection }
}

/** Deletes bytes from the store. Never throws: what cannot be deleted now is left to the clean-up job. */
export async function deleteBytes(storageKeys: string[]): Promise<void> {
  const store = await fileStore()
  const deleted: string[] = []
  for (const key of storageKeys) {
    try {
      await store.remove(key)
      deleted.push(key)
    } catch (error) {
      logger().warn({ err: error, storageKey: key }, 'could not delete stored bytes; left to clean-up job')
    }
  }
  try {
    await repository.deleteOrphanedObjects(deleted)
  } catch (error) {
    logger().warn({ err: error }, 'could not unregister deleted bytes')
  }
}

async function discardUpload(storageKey: string): Promise<void> {
  try {
    if (await repository.markForDeletion(storageKey)) await deleteBytes([storageKey])
  } catch (error) {
    logger().warn({ err: error, storageKey }, 'could not discard failed upload; left to clean-up job')
  }
}

/** Renews the lease of an upload during `work` and discards the upload when `work` fails. */
async function withLease<T>({ storageKey }: PendingUpload, body: Readable, work: () => Promise<T>): Promise<T> {
  const renewal = setInterval(() => {
    // The lease outlasts several failed renewals.
    repository.renewLease(storageKey).catch(() => {})
  }, RENEW_LEASE_MS)
  try {
    return await work()
  } catch (error) {
    // When the database is unavailable, do not wait for it again; the clean-up job will delete the bytes. A client that
    // disconnects causes an error of the same name.
    if (body.errored !== null || !isDatabaseUnavailable(error)) await discardUpload(storageKey)
    throw error
  } finally {
    clearInterval(renewal)
  }
}

/** Turns stored bytes into the file at their path. `replaced` is the storage key of the previous content. */
async function commitUpload(
  { storageKey, ownerId, path }: PendingUpload,
  content: Omit<repository.Content, 'storageKey'>,
  precondition: FilePrecondition,
): Promise<{ file: StoredFile; replaced: string | undefined }> {
  return inTransaction(async () => {
    const usedBytes = await lockOwner(ownerId)
    if (!(await repository.deleteReservation(storageKey))) {
      throw serviceUnavailable(new Error('The lease of the upload expired.'))
    }
    const current = await repository.findFile(ownerId, path)
    precondition(current)
    const usedAfter = usedBytes - (current?.size ?? 0) + content.size
    if (usedAfter + (await repository.sumReservedBytes(ownerId, storageKey)) > config().filesQuotaBytes) {
      throw new AppError('QUOTA_EXCEEDED')
    }
    if (current === undefined && (await repository.countFiles(ownerId)) >= config().filesPerUser) throw tooManyFiles()
    const file = await repository.saveFile({ ownerId, path }, { ...content, storageKey }, current)
    await (current === undefined ? recordFileCreation(file) : recordFileUpdate(file, current))
    return { file, replaced: current?.storageKey }
  })
}

/**
 * Stores a body and makes it the file at its path, completely or not at all, if `decision` commits it. Checks the
 * precondition before the first byte, to fail early, and again under the owner's lock. Also throws what the precondition,
 * the decision and the body throw.
 *
 * @throws QUOTA_EXCEEDED when the file does not fit
 * @throws UNAUTHORIZED when the owner's account was deleted
 * @throws SERVICE_UNAVAILABLE when the lease of the upload expired, or the disk is almost full
 */
export async function stageFile<T>(
  upload: Upload,
  precondition: FilePrecondition,
  { complete, hashRejectedBody }: CommitDecision<T>,
): Promise<T> {
  const { ownerId, path, mimeType, visibility, body, sizeBytes = 0 } = upload
  const pending: PendingUpload = { storageKey: randomUUID(), ownerId, path, sizeBytes }
  try {
    precondition(await repository.findFile(ownerId, path))
    await reserveQuota(pending, { neededBytes: sizeBytes, wantedBytes: sizeBytes, isNew: true })
  } catch (error) {
    if (hashRejectedBody && isAppError(error)) {
      const { sha256 } = await hashRejected(upload, error)
      return complete(sha256, () => Promise.reject(error))
    }
    body.destroy()
    throw error
  }
  return withLease(pending, body, async () => {
    const { rejection, ...content } = await storeBody(pending, body, hashRejectedBody)
    let committed: Awaited<ReturnType<typeof commitUpload>> | undefined
    const result = await complete(content.sha256, async () => {
      if (rejection !== undefined) throw rejection
      committed = await commitUpload(pending, { ...content, mimeType, visibility }, precondition)
      return { file: committed.file, created: committed.replaced === undefined }
    })
    if (committed === undefined) await discardUpload(pending.storageKey)
    // Delete the replaced bytes in the background; if that fails the clean-up job will.
    else if (committed.replaced !== undefined) void deleteBytes([committed.replaced])
    return result
  })
}
