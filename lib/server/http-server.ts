import { randomUUID } from 'node:crypto'
import { createServer, STATUS_CODES, type Server, type ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { AppError, validationError } from '@/lib/errors'
import { config } from '@/lib/config'
import { apiHandler } from '@/lib/http/api-handler'
import { QUERY_PARAMETERS_MAX } from '@/lib/http/request-bounds'
import { errorEnvelope, problemDetails, PROBLEM_TYPE } from '@/lib/http/send-error'
import { logger } from '@/lib/logger'
import { recordRequest } from '@/lib/metrics'
import { isGroupMember } from '@/lib/platform/processes/process-group'
import { ApiRequest, ApiResponse } from './next-api-request'

/** Handles a request with a well-formed URL. */
export type Dispatch = (req: ApiRequest, res: ApiResponse, pathname: string) => unknown

export type HttpServer = Server<typeof ApiRequest, typeof ApiResponse>

/** Limits for receiving the headers and a whole request. */
const HEADERS_TIMEOUT_MS = 20_000
const REQUEST_TIMEOUT_MS = 3_600_000
/** Longer than the idle time-outs of common load balancers (60 s), so that the balancer closes first. */
const KEEP_ALIVE_TIMEOUT_MS = 65_000

const malformedUrlHandler = apiHandler(undefined, () => {
  throw validationError({ url: ['must be percent-encoded UTF-8'] })
})

/** Returns whether a string is valid percent-encoded UTF-8. */
function isDecodable(text: string): boolean {
  if (!text.includes('%')) return true
  try {
    decodeURIComponent(text)
    return true
  } catch {
    return false
  }
}

/** Parses a query. Parameters beyond the bound, for which `apiHandler` rejects the request, are left out. */
function toQuery(search: string): ApiRequest['query'] {
  const query: Record<string, string | string[]> = Object.create(null)
  let count = 0
  for (const [name, value] of new URLSearchParams(search)) {
    count += 1
    if (count > QUERY_PARAMETERS_MAX) break
    const earlier = query[name]
    if (Array.isArray(earlier)) earlier.push(value)
    else query[name] = earlier === undefined ? value : [earlier, value]
  }
  return query
}

/** Returns whether the version and the Host header are as RFC 9112 requires (sections 2.3 and 3.2). */
function hasValidFraming({ httpVersion, rawHeaders }: ApiRequest): boolean {
  const hosts = rawHeaders.filter((name, at) => at % 2 === 0 && name.toLowerCase() === 'host').length
  return httpVersion === '1.1' ? hosts === 1 : httpVersion === '1.0' && hosts <= 1
}

const invalidFramingHandler = apiHandler(undefined, () => {
  throw new AppError('VALIDATION_ERROR', { message: 'HTTP/1.1 with exactly one Host header is required.' })
})

type ClientError = NodeJS.ErrnoException & { rawPacket?: Buffer }

/** Returns what the last bytes of a request that cannot be parsed say about the wanted format of errors. */
function readRawRequest({ rawPacket }: ClientError): { instance?: string; acceptsProblems: boolean } {
  const text = rawPacket?.toString('latin1') ?? ''
  const instance = /^[A-Z]+ (\/[^\s?]*)/.exec(text)?.[1]
  const acceptsProblems = /^accept:.*application\/problem\+json/im.test(text)
  return { acceptsProblems, ...(instance !== undefined && { instance }) }
}

/** Responds 400, or 431 for headers that are too long, to HTTP that Node's parser rejects. There is no request object. */
function handleClientError(error: ClientError, socket: Duplex, pending: ServerResponse | undefined): void {
  // Bytes of a second response would be taken for the rest of the first.
  const hasBegun = pending !== undefined && pending.headersSent && !pending.writableFinished
  if (error.code === 'ECONNRESET' || !socket.writable || hasBegun) {
    socket.destroy()
    return
  }
  const isTooLong = error.code === 'HPE_HEADER_OVERFLOW'
  const requestId = randomUUID()
  const [status, appError] = isTooLong
    ? [431, new AppError('PAYLOAD_TOO_LARGE', { message: 'The request headers are too long.' })]
    : [400, new AppError('VALIDATION_ERROR', { message: 'The request is not valid HTTP.' })]
  const envelope = errorEnvelope(appError, requestId)
  const { acceptsProblems, ...request } = readRawRequest(error)
  const body = JSON.stringify(acceptsProblems ? problemDetails(envelope, { status, ...request }) : envelope)
  const contentType = acceptsProblems ? PROBLEM_TYPE : 'application/json; charset=utf-8'
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nContent-Type: ${contentType}\r\n` +
      `X-Content-Type-Options: nosniff\r\nX-Request-Id: ${requestId}\r\nCache-Control: no-store\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  )
  logger().info({ requestId, status, err: error }, 'malformed request')
}

/** The methods that get a series of their own in the metrics; a client can invent any number of others. */
const MEASURED_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])

/**
 * Closes connections beyond the bound. Node would have the primary process offer them to the other processes over and
 * over, until one has fewer.
 */
function boundConnections(server: HttpServer): void {
  const { maxConnections } = config()
  if (!isGroupMember()) {
    server.maxConnections = maxConnections
    return
  }
  let open = 0
  server.on('connection', (socket) => {
    open += 1
    socket.once('close', () => {
      open -= 1
    })
    if (open > maxConnections) socket.destroy()
  })
}

/** Creates the HTTP server: validates and parses the URL, then dispatches. Does not call `listen`. */
export function createHttpServer(dispatch: Dispatch): HttpServer {
  /** The latest response of each connection. */
  const pending = new WeakMap<Duplex, ServerResponse>()
  const server = createServer(
    {
      IncomingMessage: ApiRequest,
      ServerResponse: ApiResponse,
      headersTimeout: HEADERS_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
      // Checked by `hasValidFraming`, so that the response is the envelope.
      requireHostHeader: false,
    },
    (req, res) => void handle(req, res),
  )
  const handle = async (req: ApiRequest, res: ApiResponse): Promise<void> => {
    const startedAt = performance.now()
    pending.set(req.socket, res)
    res.once('close', () => {
      const { method = 'GET', route = 'none' } = req
      const label = MEASURED_METHODS.has(method) ? method : 'other'
      recordRequest({
        method: label,
        route: res.statusCode === 405 ? 'none' : route,
        status: res.statusCode,
        seconds: (performance.now() - startedAt) / 1000,
      })
    })
    try {
      const url = req.url ?? '/'
      const end = url.indexOf('?')
      const pathname = end < 0 ? url : url.slice(0, end)
      if (!hasValidFraming(req)) return void (await invalidFramingHandler(req, res))
      if (!isDecodable(url)) return void (await malformedUrlHandler(req, res))
      req.query = end < 0 ? {} : toQuery(url.slice(end + 1))
      await dispatch(req, res, pathname)
    } catch (error) {
      logger().fatal({ err: error }, 'unhandled error outside apiHandler')
      res.destroy()
    }
  }
  boundConnections(server)
  server.on('clientError', (error, socket) => handleClientError(error, socket, pending.get(socket)))
  // An expectation other than 100-continue may be ignored (RFC 9110, section 10.1.1).
  server.on('checkExpectation', (req, res) => void handle(req, res))
  return server
}
