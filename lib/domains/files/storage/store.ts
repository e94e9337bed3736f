import type { Readable } from 'node:stream'
import { join } from 'node:path'
import { config } from '@/lib/config'
import { processSingleton } from '@/lib/process-singleton'
import { diskStore } from './disk-store'
import type * as S3 from './s3-store'

/** The first and the last byte, both counted from 0 and both included. */
export type ByteRange = { start: number; end: number }

/**
 * Where bytes lie, under keys that are UUIDs. Whoever writes sees to it that no key is written twice. SERVICE_UNAVAILABLE
 * where the bytes lie on a server that cannot be asked now.
 */
export type FileStore = {
  /** Takes the whole stream; when it resolves, the bytes survive a power cut. When it fails, nothing of them stays. */
  write: (key: string, body: Readable) => Promise<void>
  /** The bytes, or undefined when there are none under the key. The caller reads the stream to its end or destroys it. */
  read: (key: string, range?: ByteRange) => Promise<Readable | undefined>
  /** Removes what there is under the key, unfinished writes too. There need not be anything. */
  remove: (key: string) => Promise<void>
  /** Rejects when the store cannot be used at present. */
  check: () => Promise<void>
}

async function openStore(): Promise<FileStore> {
  const { filesS3, dataDir } = config()
  if (filesS3 === undefined) return diskStore(join(dataDir, 'files'))
  // The AWS SDK is large: only who uses it loads it.
  const { s3Store }: typeof S3 = require('./s3-store')
  return s3Store(filesS3)
}

/** The store of this process: a bucket where `FILES_S3_BUCKET` is set, else a folder below `DATA_DIR`. */
export const fileStore = processSingleton('file-store', openStore)
