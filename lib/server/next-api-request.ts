import { IncomingMessage, type OutgoingHttpHeader, type OutgoingHttpHeaders, ServerResponse } from 'node:http'
import type { NextApiRequest, NextApiResponse } from 'next'
import { parse as parseCookies } from 'cookie'
import { isShuttingDown } from '@/lib/platform/shutdown'

type SentHeaders = OutgoingHttpHeaders | OutgoingHttpHeader[]

const UNSUPPORTED = 'Draft and preview modes and revalidation are for pages; this server has none.'

/** A request as Next hands it to an API route. The body is left unread: routes read it, checked, with `parseBody`. */
export class ApiRequest extends IncomingMessage implements NextApiRequest {
  query: Partial<Record<string, string | string[]>> = {}
  body: unknown = undefined
  env = {}
  /** The pattern of the route that answers, such as `/api/users/[id]`. */
  route: string | undefined = undefined

  get cookies(): Partial<Record<string, string>> {
    return parseCookies(this.headers.cookie ?? '')
  }
}

/** A response as Next hands it to an API route. */
export class ApiResponse extends ServerResponse<ApiRequest> implements NextApiResponse {
  /**
   * Told with every answer of a process that stops, also to requests that were there before, so that clients find another
   * process before this one is gone (RFC 9112, section 9.6).
   */
  override writeHead(status: number, reason?: string | SentHeaders, headers?: SentHeaders): this {
    if (isShuttingDown()) this.shouldKeepAlive = false
    return typeof reason === 'string' ? super.writeHead(status, reason, headers) : super.writeHead(status, reason)
  }

  status(statusCode: number): this {
    this.statusCode = statusCode
    return this
  }

  json(body: unknown): void {
    this.setHeader('Content-Type', 'application/json; charset=utf-8')
    this.end(JSON.stringify(body))
  }

  send(body: unknown): void {
    if (typeof body === 'string' || Buffer.isBuffer(body)) this.end(body)
    else this.json(body)
  }

  redirect(statusOrUrl: number | string, url?: string): this {
    this.statusCode = typeof statusOrUrl === 'number' ? statusOrUrl : 307
    this.setHeader('Location', typeof statusOrUrl === 'number' ? (url ?? '/') : statusOrUrl)
    this.end()
    return this
  }

  setDraftMode(): this {
    throw new Error(UNSUPPORTED)
  }

  setPreviewData(): this {
    throw new Error(UNSUPPORTED)
  }

  clearPreviewData(): this {
    throw new Error(UNSUPPORTED)
  }

  revalidate(): Promise<void> {
    throw new Error(UNSUPPORTED)
  }
}
