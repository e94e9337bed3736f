import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import S3rver from 's3rver'

const BUCKET = 'files'

export type TestS3 = {
  /** What makes Hearth use it: the settings of Hearth and of the AWS SDK. */
  settings: Record<string, string>
  /** The keys of all objects in the bucket. */
  objects: () => Promise<string[]>
  /** Uploads in parts that were begun and neither completed nor aborted. */
  openUploads: () => Promise<string[]>
  /** The requests so far: method and URL. */
  requests: string[]
  /** Whether it answers 503 to everything. */
  ailing: boolean
  /** Breaks all connections and takes no more, until `start`, which listens at the same port. */
  stop: () => Promise<void>
  start: () => Promise<void>
  /** Ends it and removes what it kept. */
  remove: () => Promise<void>
}

/**
 * An S3-compatible server from npm (s3rver) with a bucket, over HTTP. It can neither list nor abort uploads in parts and
 * says so with 501; with `abortsUploads` that is made up for here.
 */
export async function startS3({ abortsUploads = false } = {}): Promise<TestS3> {
  const directory = await mkdtemp(join(tmpdir(), 'hearth-s3-'))
  // Its logger complains there that nobody listens to it.
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
    if (running.ailing) res.writeHead(503).end()
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
    ailing: false,
    stop,
    start,
    remove: async () => {
      await stop()
      await rm(directory, { recursive: true })
    },
  }
  return running
}
