import { Readable } from 'node:stream'
import {
  AbortMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadBucketCommand,
  ListMultipartUploadsCommand,
  NoSuchKey,
  S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3'
import { Upload } from '@aws-sdk/lib-storage'
import { serviceUnavailable } from '@/lib/errors'
import type { FileStore } from './store'

/** An upload buffers PART_BYTES * CONCURRENT_PARTS in memory. */
const PART_BYTES = 8 * 1024 * 1024
const CONCURRENT_PARTS = 2

/**
 * In milliseconds; the SDK's defaults are unlimited. `requestTimeout` covers sending one part; `socketTimeout` also
 * applies while a slow client reads a file.
 */
const TIMEOUTS = {
  connectionTimeout: 3_000,
  requestTimeout: 20_000,
  throwOnRequestTimeout: true,
  socketTimeout: 120_000,
}

/** Error codes that mean the bucket is temporarily unavailable. */
const UNAVAILABLE = new Set([
  ...['ECONNREFUSED', 'ECONNRESET', 'ENOTFOUND', 'ETIMEDOUT', 'EPIPE', 'EHOSTUNREACH', 'ENETUNREACH', 'EAI_AGAIN'],
  ...['TimeoutError', 'RequestTimeout', 'SlowDown'],
])

type Bucket = { bucket: string; region: string; pathStyle: boolean }

/**
 * Creates a store in a bucket of Amazon S3 or a compatible service. Uses multipart uploads for large bodies. Endpoint and
 * credentials come from the AWS SDK's own variables: `AWS_ENDPOINT_URL_S3`, `AWS_ACCESS_KEY_ID` and so on.
 */
export function s3Store({ bucket, region, pathStyle }: Bucket): FileStore {
  // Many compatible servers reject the optional checksums that newer SDKs send.
  const client = new S3Client({
    region,
    forcePathStyle: pathStyle,
    requestHandler: TIMEOUTS,
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  })

  /** Aborts multipart uploads of a crashed process, whose parts deleting the object does not delete. */
  async function abortUploads(key: string): Promise<void> {
    try {
      const { Uploads } = await client.send(new ListMultipartUploadsCommand({ Bucket: bucket, Prefix: key }))
      for (const { UploadId } of Uploads ?? []) {
        if (UploadId === undefined) continue
        await client.send(new AbortMultipartUploadCommand({ Bucket: bucket, Key: key, UploadId }))
      }
    } catch (error) {
      if (!isUnsupported(error)) throw error
    }
  }

  return {
    async write(key, body) {
      const params = { Bucket: bucket, Key: key, Body: body }
      const options = { partSize: PART_BYTES, queueSize: CONCURRENT_PARTS, leavePartsOnError: true }
      const upload = new Upload({ client, params, ...options })
      try {
        await upload.done()
      } catch (error) {
        body.destroy()
        await upload.abort()
        // A part in flight may have arrived after the abort. If this fails too, the clean-up job deletes it.
        if (!isUnavailable(error)) await abortUploads(key).catch(() => {})
        throw toStoreError(error)
      }
    },

    async read(key, range) {
      const Range = range && `bytes=${range.start}-${range.end}`
      try {
        const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key, ...(Range && { Range }) }))
        if (!(Body instanceof Readable)) throw new Error('The S3 client returned no stream.')
        return Body
      } catch (error) {
        if (error instanceof NoSuchKey) return undefined
        throw toStoreError(error)
      }
    },

    async remove(key) {
      try {
        await abortUploads(key)
        await client.send(new DeleteObjectCommand({ Bucket: bucket, Key: key }))
      } catch (error) {
        throw toStoreError(error)
      }
    },

    freeBytes: () => Promise.resolve(undefined),

    async check() {
      await client.send(new HeadBucketCommand({ Bucket: bucket }))
    },
  }
}

/** Returns whether a compatible server does not implement the operation. */
function isUnsupported(error: unknown): boolean {
  return error instanceof S3ServiceException && [405, 501].includes(error.$metadata.httpStatusCode ?? 0)
}

/** Returns whether a retry may succeed: no connection, 429, or a 5xx other than "not implemented". */
function isUnavailable(error: unknown): boolean {
  if (typeof error !== 'object' || error === null) return false
  if (error instanceof S3ServiceException && !isUnsupported(error)) {
    const { httpStatusCode: status = 0 } = error.$metadata
    if (status === 429 || status >= 500) return true
  }
  const codes = [...('name' in error ? [error.name] : []), ...('code' in error ? [error.code] : [])]
  return codes.some((code) => typeof code === 'string' && UNAVAILABLE.has(code))
}

/** Maps temporary failures to SERVICE_UNAVAILABLE; returns other errors unchanged. */
function toStoreError(error: unknown): unknown {
  return isUnavailable(error) ? serviceUnavailable(error) : error
}
