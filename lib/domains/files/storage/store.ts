import type { Readable } from 'node:stream'
import { join } from 'node:path'
import { config } from '@/lib/config'
import { processSingleton } from '@/lib/process-singleton'
import { diskStore } from './disk-store'
import type * as S3 from './s3-store'

/** First and last byte position, zero-based and inclusive. */
export type ByteRange = { start: number; end: number }

/**
 * Blob storage keyed by UUID. Callers must never write the same key twice.
 *
 * @throws SERVICE_UNAVAILABLE when the bucket is temporarily unavailable
 */
export type FileStore = {
  /** Stores the whole stream. After it resolves, the bytes survive a power failure; if it rejects, none are left. */
  write: (key: string, body: Readable) => Promise<void>
  /** Returns undefined if the key does not exist. The caller must read the stream to its end or destroy it. */
  read: (key: string, range?: ByteRange) => Promise<Readable | undefined>
  /** Deletes the bytes of a key, incomplete uploads included. Succeeds if there are none. */
  remove: (key: string) => Promise<void>
  /** Returns the free space of the disk in bytes; undefined if the store has no bound. */
  freeBytes: () => Promise<number | undefined>
  /** Rejects when the store is unavailable. */
  check: () => Promise<void>
}

async function openStore(): Promise<FileStore> {
  const { filesS3, dataDir } = config()
  if (filesS3 === undefined) return diskStore(join(dataDir, 'files'))
  // The AWS SDK is large: load it only when a bucket is configured.
  const { s3Store }: typeof S3 = require('./s3-store')
  return s3Store(filesS3)
}

/** Returns the file store: a bucket if `FILES_S3_BUCKET` is set, else a folder in `DATA_DIR`. */
export const fileStore = processSingleton('file-store', openStore)
