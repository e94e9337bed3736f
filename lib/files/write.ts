import { createHash, randomUUID } from 'node:crypto'
import { callbackify } from 'node:util'
import { pipeline, Transform, type Readable } from 'node:stream'
import { settings } from '@/lib/config'
import { logger } from '@/lib/logger'
import * as repository from './repository'
import type { Guard, StoredFile, Write } from './repository'
import type { Visibility } from './schema'
import { fileStore } from './store'

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

type Meter = { stream: Transform; digest: () => string; size: () => number }

/** Lets bytes through, hashes and counts them; `admit` may hold them up, or refuse them, by the count so far. */
function meter(admit: (sizeBytes: number) => Promise<void> | undefined): Meter {
  const hash = createHash('sha256')
  let sizeBytes = 0
  const stream = new Transform({
    readableHighWaterMark: BUFFER_BYTES,
    writableHighWaterMark: BUFFER_BYTES,
    transform(chunk: Buffer, _encoding, done) {
      sizeBytes += chunk.length
      hash.update(chunk)
      const admitted = admit(sizeBytes)
      if (admitted === undefined) done(null, chunk)
      else callbackify(() => admitted)((error) => done(error, chunk))
    },
  })
  return { stream, digest: () => hash.digest('hex'), size: () => sizeBytes }
}

/** Streams a body into the store within the owner's quota; its size and hash. */
async function storeBody(write: Write, body: Readable): Promise<{ size: number; sha256: string }> {
  const { filesQuotaBytes: quotaBytes } = settings()
  let admittedBytes = write.sizeBytes
  const metered = meter((sizeBytes) => {
    if (sizeBytes <= admittedBytes) return undefined
    const room = { neededBytes: sizeBytes, aheadBytes: RESERVE_AHEAD_BYTES, quotaBytes }
    return repository.extendReservation(write, room).then((granted) => {
      admittedBytes = granted
    })
  })
  const store = await fileStore()
  // The store sees a failure of the body as one of the stream that it reads.
  pipeline(body, metered.stream, () => {})
  await store.write(write.storageKey, metered.stream)
  return { size: metered.size(), sha256: metered.digest() }
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
    await repository.forgetKeys(removed)
  } catch (error) {
    logger().warn({ err: error }, 'removed bytes are left on the list')
  }
}

async function giveUp(storageKey: string): Promise<void> {
  try {
    if (await repository.doom(storageKey)) await removeBytes([storageKey])
  } catch (error) {
    logger().warn({ err: error, storageKey }, 'a write that failed is left to the sweeper')
  }
}

/**
 * Takes a body and makes it the file at its path, whole or not at all. The guard judges what is there, before the first
 * byte and again when the file becomes visible. QUOTA_EXCEEDED, NOT_FOUND without such an owner, what the guard throws,
 * and what the body fails with.
 */
export async function writeFile(upload: Upload, guard: Guard): Promise<{ file: StoredFile; created: boolean }> {
  const { ownerId, path, mimeType, visibility, body } = upload
  const { filesQuotaBytes: quotaBytes } = settings()
  const write: Write = { storageKey: randomUUID(), ownerId, path, sizeBytes: upload.sizeBytes ?? 0 }
  try {
    await repository.beginWrite(write, quotaBytes, guard)
  } catch (error) {
    body.destroy()
    throw error
  }
  const renewal = setInterval(() => {
    // A lease that could not be renewed ends later than the next attempt.
    repository.renewLease(write.storageKey).catch(() => {})
  }, RENEW_LEASE_MS)
  try {
    const content = await storeBody(write, body)
    const rules = { quotaBytes, guard }
    const { file, replaced } = await repository.commitWrite(write, { ...content, mimeType, visibility }, rules)
    if (replaced !== undefined) await removeBytes([replaced])
    return { file, created: replaced === undefined }
  } catch (error) {
    await giveUp(write.storageKey)
    throw error
  } finally {
    clearInterval(renewal)
  }
}
