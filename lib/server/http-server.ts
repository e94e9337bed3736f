import { createServer, STATUS_CODES, type Server } from 'node:http'
import type { Duplex } from 'node:stream'
import { AppError, validationError } from '@/lib/errors'
import { apiHandler } from '@/lib/http/api-handler'
import { logger } from '@/lib/logger'
import { recordRequest } from '@/lib/metrics'
import { ApiRequest, ApiResponse } from './next-api-request'

/** Handles a request with a well-formed URL. */
export type Dispatch = (req: ApiRequest, res: ApiResponse, pathname: string) => unknown

export type HttpServer = Server<typeof ApiRequest, typeof ApiResponse>

/** Limits for receiving the headers and a whole request. */
const HEADERS_TIMEOUT_MS = 20_000
const REQUEST_TIMEOUT_MS = 3_600_000
/** Longer than the idle time-outs of common load balancers (60 s), so that the balancer closes first. */
const KEEP_ALIVE_TIMEOUT_MS = 65_000

/** Handles unmatched routes (404). */
export const notFoundHandler = apiHandler(undefined, () => {
  throw new AppError('NOT_FOUND')
})

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

function toQuery(search: string): ApiRequest['query'] {
  const query: Record<string, string | string[]> = Object.create(null)
  for (const [name, value] of new URLSearchParams(search)) {
    const earlier = query[name]
    query[name] = earlier === undefined ? value : [...(Array.isArray(earlier) ? earlier : [earlier]), value]
  }
  return query
}

/** Responds 400 to malformed HTTP. There is no request object at this point, only the socket. */
function handleClientError(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return
  }
  const { status, code, message } = new AppError('VALIDATION_ERROR', { message: 'The request is not valid HTTP.' })
  const body = JSON.stringify({ error: { code, message } })
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nContent-Type: application/json; charset=utf-8\r\n` +
      `X-Content-Type-Options: nosniff\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  )
}

/** Creates the HTTP server: validates and parses the URL, then dispatches. Does not call `listen`. */
export function createHttpServer(dispatch: Dispatch): HttpServer {
  const server = createServer(
    {
      IncomingMessage: ApiRequest,
      ServerResponse: ApiResponse,
      headersTimeout: HEADERS_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    },
    (req, res) => void handle(req, res),
  )
  const handle = async (req: ApiRequest, res: ApiResponse): Promise<void> => {
    const startedAt = performance.now()
    res.once('close', () => {
      const { method = 'GET', route = 'none' } = req
      recordRequest({ method, route, status: res.statusCode, seconds: (performance.now() - startedAt) / 1000 })
    })
    try {
      const url = req.url ?? '/'
      const end = url.indexOf('?')
      const pathname = end < 0 ? url : url.slice(0, end)
      if (!isDecodable(url)) {
        await malformedUrlHandler(req, res)
        return
      }
      req.query = end < 0 ? {} : toQuery(url.slice(end + 1))
      await dispatch(req, res, pathname)
    } catch (error) {
      logger().fatal({ err: error }, 'unhandled error outside apiHandler')
      res.destroy()
    }
  }
  server.on('clientError', handleClientError)
  return server
}
