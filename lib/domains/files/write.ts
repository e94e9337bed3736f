import { createHash, randomUUID } from 'node:crypto'
import { callbackify } from 'node:util'
import { pipeline, Transform, type Readable } from 'node:stream'
import { config } from '@/lib/config'
import { isDatabaseUnavailable } from '@/lib/platform/db/errors'
import { isAppError, type AppError } from '@/lib/errors'
import { logger } from '@/lib/logger'
import * as repository from './repository'
import type { Guard, StoredFile, Write } from './repository'
import type { Visibility } from './schema'
import { fileStore } from '@/lib/domains/files/storage/store'

/** How far ahead of a body of unknown length room is reserved. */
const RESERVE_AHEAD_BYTES = 16 * 1024 * 1024
const RENEW_LEASE_MS = 60_000
const BUFFER_BYTES = 512 * 1024

export type Upload = {
  ownerId: number
  path: string
  mimeType: string
  /** Left as it is, or private, when undefined. */
  visibility?: Visibility | undefined
  body: Readable
  /** The length of the body, where it is known before. */
  sizeBytes?: number | undefined
}

export type Written = { file: StoredFile; created: boolean }

/** What becomes of bytes that are stored: `complete` makes them a file by `commit`, or leaves it, and they go again. */
export type Finish<T> = {
  complete: (sha256: string, commit: () => Promise<Written>) => Promise<T>
  /** Whether a body that is refused is read to its end all the same for its hash; `commit` throws the refusal then. */
  hashRejectedBody: boolean
}

/** They become a file. */
export const commitImmediately: Finish<Written> = { complete: (_sha256, commit) => commit(), hashRejectedBody: false }

type Staged = { size: number; sha256: string; refusal: AppError | undefined }

type Meter = { stream: Transform; staged: () => Staged }

/**
 * Lets bytes through, hashes and counts them; `admit` may hold them up, or refuse them, by the count so far. With
 * `hashRejectedBody` no byte goes through after a refusal, but they are hashed on.
 */
function meter(admit: (sizeBytes: number) => Promise<void> | undefined, hashRejectedBody: boolean): Meter {
  const hash = createHash('sha256')
  let sizeBytes = 0
  let refusal: AppError | undefined
  const stream = new Transform({
    readableHighWaterMark: BUFFER_BYTES,
    writableHighWaterMark: BUFFER_BYTES,
    transform(chunk: Buffer, _encoding, done) {
      sizeBytes += chunk.length
      hash.update(chunk)
      if (refusal !== undefined) {
        done(sizeBytes > config().filesQuotaBytes ? refusal : null)
        return
      }
      const admitted = admit(sizeBytes)
      if (admitted === undefined) done(null, chunk)
      else {
        callbackify(() => admitted)((error) => {
          if (hashRejectedBody && isAppError(error)) refusal = error
          done(refusal === undefined ? error : null, refusal === undefined ? chunk : undefined)
        })
      }
    },
  })
  return { stream, staged: () => ({ size: sizeBytes, sha256: hash.digest('hex'), refusal }) }
}

/** Streams a body into the store within the owner's quota; its size and hash. */
async function storeBody(write: Write, body: Readable, hashRejectedBody: boolean): Promise<Staged> {
  const { filesQuotaBytes: quotaBytes } = config()
  let admittedBytes = write.sizeBytes
  const metered = meter((sizeBytes) => {
    if (sizeBytes <= admittedBytes) return undefined
    const room = { neededBytes: sizeBytes, aheadBytes: RESERVE_AHEAD_BYTES, quotaBytes }
    return repository.extendReservation(write, room).then((granted) => {
      admittedBytes = granted
    })
  }, hashRejectedBody)
  const store = await fileStore()
  // The store sees a failure of the body as one of the stream that it reads.
  pipeline(body, metered.stream, () => {})
  await store.write(write.storageKey, metered.stream)
  return metered.staged()
}

/** The hash of a body that is not stored. Over the quota it can be no repeat of one that was: then what refused it. */
async function hashRefused({ body, sizeBytes = 0 }: Upload, refusal: AppError): Promise<Staged> {
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
  if (Math.max(size, sizeBytes) > quotaBytes) throw refusal
  return { size, sha256: hash.digest('hex'), refusal }
}

/**
 * Removes bytes that no file names. What cannot be removed now stays written down and is the sweeper's: this never fails.
 */
export async function removeBytes(storageKeys: string[]): Promise<void> {
  const store = await fileStore()
  const removed: string[] = []
  for (const key of storageKeys) {
    try {
      await store.remove(key)
      removed.push(key)
    } catch (error) {
      logger().warn({ err: error, storageKey: key }, 'stored bytes are left to the sweeper')
    }
  }
  try {
    await repository.deleteUnreferencedKeys(removed)
  } catch (error) {
    logger().warn({ err: error }, 'removed bytes are left on the list')
  }
}

async function discardUpload(storageKey: string): Promise<void> {
  try {
    if (await repository.markForDeletion(storageKey)) await removeBytes([storageKey])
  } catch (error) {
    logger().warn({ err: error, storageKey }, 'a write that failed is left to the sweeper')
  }
}

/** A write in progress, told to the sweeper for as long as the work on it goes on. */
async function withLease<T>({ storageKey }: Write, body: Readable, work: () => Promise<T>): Promise<T> {
  const renewal = setInterval(() => {
    // A lease that could not be renewed ends later than the next attempt.
    repository.renewLease(storageKey).catch(() => {})
  }, RENEW_LEASE_MS)
  try {
    return await work()
  } catch (error) {
    // A database that is away would only be waited for again; the sweeper finds the bytes when it is back. A client that
    // left has an error of the same name.
    if (body.errored !== null || !isDatabaseUnavailable(error)) await discardUpload(storageKey)
    throw error
  } finally {
    clearInterval(renewal)
  }
}

/**
 * Takes a body and makes it the file at its path, whole or not at all, if `finish` wants it. The guard judges what is
 * there, before the first byte and again when the file becomes visible. QUOTA_EXCEEDED, NOT_FOUND without such an owner,
 * what the guard and `finish` throw, and what the body fails with.
 */
export async function stageFile<T>(upload: Upload, guard: Guard, finish: Finish<T>): Promise<T> {
  const { ownerId, path, mimeType, visibility, body } = upload
  const { filesQuotaBytes: quotaBytes } = config()
  const { hashRejectedBody } = finish
  const write: Write = { storageKey: randomUUID(), ownerId, path, sizeBytes: upload.sizeBytes ?? 0 }
  try {
    await repository.beginInvalidation(write, quotaBytes, guard)
  } catch (error) {
    if (hashRejectedBody && isAppError(error)) {
      const { sha256 } = await hashRefused(upload, error)
      return finish.complete(sha256, () => Promise.reject(error))
    }
    body.destroy()
    throw error
  }
  return withLease(write, body, async () => {
    const { refusal, ...content } = await storeBody(write, body, hashRejectedBody)
    let committed: Awaited<ReturnType<typeof repository.commitWrite>> | undefined
    const result = await finish.complete(content.sha256, async () => {
      if (refusal !== undefined) throw refusal
      committed = await repository.commitWrite(write, { ...content, mimeType, visibility }, { quotaBytes, guard })
      return { file: committed.file, created: committed.replaced === undefined }
    })
    if (committed === undefined) await discardUpload(write.storageKey)
    // A large file takes a while to go, which nobody need wait for: until it is gone it stands on the sweeper's list.
    else if (committed.replaced !== undefined) void removeBytes([committed.replaced])
    return result
  })
}

/** The same at once; what `finish` would decide is that the bytes become the file. */
export async function writeFile(upload: Upload, guard: Guard): Promise<Written> {
  return stageFile(upload, guard, commitImmediately)
}
