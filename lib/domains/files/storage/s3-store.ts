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

/** Parts of this size, so many at a time: what an upload holds in memory is their product. */
const PART_BYTES = 8 * 1024 * 1024
const PARTS_AT_ONCE = 2

/**
 * How long it may take to reach the bucket, to have a request answered, with a part of a body in it, and to go on with
 * the body of an answer, which a client may read slowly; in milliseconds. By default all of it may take for ever.
 */
const TIMEOUTS = {
  connectionTimeout: 3_000,
  requestTimeout: 20_000,
  throwOnRequestTimeout: true,
  socketTimeout: 120_000,
}

/** What sockets and the AWS SDK say when a server cannot be asked now, and S3 where it is overburdened. */
const UNAVAILABLE = new Set([
  ...['ECONNREFUSED', 'ECONNRESET', 'ENOTFOUND', 'ETIMEDOUT', 'EPIPE', 'EHOSTUNREACH', 'ENETUNREACH', 'EAI_AGAIN'],
  ...['TimeoutError', 'RequestTimeout', 'SlowDown'],
])

type Bucket = { bucket: string; region: string; pathStyle: boolean }

/**
 * Objects in a bucket of Amazon S3 or of anything that speaks its protocol. Bodies longer than a part go up in parts.
 * Endpoint and credentials are those of the AWS SDK: `AWS_ENDPOINT_URL_S3`, `AWS_ACCESS_KEY_ID` and so on.
 */
export function s3Store({ bucket, region, pathStyle }: Bucket): FileStore {
  // Checksums beyond what the protocol asks for are a newer addition that many compatible servers refuse.
  const client = new S3Client({
    region,
    forcePathStyle: pathStyle,
    requestHandler: TIMEOUTS,
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  })

  /** A process that died left its parts behind, which no deletion of an object removes. */
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
      const options = { partSize: PART_BYTES, queueSize: PARTS_AT_ONCE, leavePartsOnError: true }
      const upload = new Upload({ client, params, ...options })
      try {
        await upload.done()
      } catch (error) {
        body.destroy()
        // A part that arrives after its upload was given up would stay.
        await upload.abort()
        // What failed is the upload; parts that stay all the same are the sweeper's.
        if (!isUnavailable(error)) await abortUploads(key).catch(() => {})
        throw toStoreError(error)
      }
    },

    async read(key, range) {
      const Range = range && `bytes=${range.start}-${range.end}`
      try {
        const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key, ...(Range && { Range }) }))
        if (!(Body instanceof Readable)) throw new Error('The S3 client gave no stream.')
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

    async check() {
      await client.send(new HeadBucketCommand({ Bucket: bucket }))
    },
  }
}

/** Whether a compatible server does not know a part of the protocol. */
function isUnsupported(error: unknown): boolean {
  return error instanceof S3ServiceException && [405, 501].includes(error.$metadata.httpStatusCode ?? 0)
}

/** Whether the caller may try again later: nobody answers, or with 429 or a 5xx other than "not implemented". */
function isUnavailable(error: unknown): boolean {
  if (typeof error !== 'object' || error === null) return false
  if (error instanceof S3ServiceException && !isUnsupported(error)) {
    const { httpStatusCode: status = 0 } = error.$metadata
    if (status === 429 || status >= 500) return true
  }
  const said = [...('name' in error ? [error.name] : []), ...('code' in error ? [error.code] : [])]
  return said.some((word) => typeof word === 'string' && UNAVAILABLE.has(word))
}

/** The same for clients: SERVICE_UNAVAILABLE; what else fails stays as it is. */
function toStoreError(error: unknown): unknown {
  return isUnavailable(error) ? serviceUnavailable(error) : error
}
