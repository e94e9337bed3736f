import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import S3rver from 's3rver'

const BUCKET = 'files'

export type TestS3 = {
  /** Settings of Hearth and of the AWS SDK for this server. */
  settings: Record<string, string>
  /** Returns the keys of all objects in the bucket. */
  objects: () => Promise<string[]>
  /** Returns the ids of multipart uploads that are neither completed nor aborted. */
  openUploads: () => Promise<string[]>
  /** Method and URL of all requests so far. */
  requests: string[]
  /** If true, every response is a 503. */
  isFailing: boolean
  /** Closes all connections and stops listening. `start` listens on the same port again. */
  stop: () => Promise<void>
  start: () => Promise<void>
  /** Stops it and deletes its data. */
  remove: () => Promise<void>
}

/**
 * Starts an S3-compatible server (s3rver) with a bucket, over HTTP. s3rver responds with 501 to requests that list or abort
 * multipart uploads; `abortsUploads` implements these.
 */
export async function startS3({ abortsUploads = false } = {}): Promise<TestS3> {
  const directory = await mkdtemp(join(tmpdir(), 'hearth-s3-'))
  // The logger of s3rver writes warnings there.
  jest.spyOn(console, 'error').mockImplementation(() => {})
  const s3rver = new S3rver({ silent: true, directory, configureBuckets: [{ name: BUCKET, configs: [] }] })
  await s3rver.configureBuckets()
  const handle = s3rver.callback()
  const uploadsFolder = join(directory, BUCKET, '._S3rver_uploads')
  const openUploads = () => readdir(uploadsFolder).catch(() => [])

  async function listUploads(prefix: string, res: ServerResponse): Promise<void> {
    const found = await Promise.all(
      (await openUploads()).map(async (id) => {
        const key = await readFile(join(uploadsFolder, id, 'key'), 'utf8').catch(() => '')
        return { id, key }
      }),
    )
    const uploads = found.filter(({ key }) => key.startsWith(prefix))
    res.setHeader('Content-Type', 'application/xml')
    res.end(
      `<ListMultipartUploadsResult><Bucket>${BUCKET}</Bucket>${uploads
        .map(({ id, key }) => `<Upload><Key>${key}</Key><UploadId>${id}</UploadId></Upload>`)
        .join('')}</ListMultipartUploadsResult>`,
    )
  }

  const aborted = new Set<string>()

  async function abortUpload(id: string, res: ServerResponse): Promise<void> {
    aborted.add(id)
    await rm(join(uploadsFolder, id), { recursive: true, force: true })
    res.statusCode = 204
    res.end()
  }

  const requests: string[] = []
  const server = createServer((req: IncomingMessage, res: ServerResponse) => {
    const { pathname, searchParams } = new URL(req.url ?? '/', 'http://s3')
    requests.push(`${req.method} ${req.url}`)
    const uploadId = searchParams.get('uploadId')
    if (running.isFailing) res.writeHead(503).end()
    else if (abortsUploads && req.method === 'GET' && searchParams.has('uploads') && pathname.split('/').length < 4) {
      void listUploads(searchParams.get('prefix') ?? '', res)
    } else if (abortsUploads && req.method === 'DELETE' && uploadId !== null) void abortUpload(uploadId, res)
    else if (uploadId !== null && aborted.has(uploadId)) res.writeHead(404).end()
    else handle(req, res)
  })
  let port = 0
  const start = async (): Promise<void> => {
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    port = typeof address === 'object' && address !== null ? address.port : 0
  }
  const stop = async (): Promise<void> => {
    const closed = once(server, 'close')
    server.close()
    server.closeAllConnections()
    await closed
  }
  await start()
  const running: TestS3 = {
    settings: {
      FILES_S3_BUCKET: BUCKET,
      FILES_S3_PATH_STYLE: 'true',
      AWS_REGION: 'us-east-1',
      AWS_ENDPOINT_URL_S3: `http://127.0.0.1:${port}`,
      AWS_ACCESS_KEY_ID: 'S3RVER',
      AWS_SECRET_ACCESS_KEY: 'S3RVER',
    },
    objects: async () => {
      const names = await readdir(join(directory, BUCKET), { recursive: true })
      return names.filter((name) => name.endsWith('_object')).map((name) => name.slice(0, name.indexOf('._S3rver')))
    },
    openUploads,
    requests,
    isFailing: false,
    stop,
    start,
    remove: async () => {
      await stop()
      await rm(directory, { recursive: true })
    },
  }
  return running
}
