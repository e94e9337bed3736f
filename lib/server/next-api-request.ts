import { IncomingMessage, type OutgoingHttpHeader, type OutgoingHttpHeaders, ServerResponse } from 'node:http'
import type { NextApiRequest, NextApiResponse } from 'next'
import { parse as parseCookies } from 'cookie'
import { isShuttingDown } from '@/lib/platform/shutdown'

type SentHeaders = OutgoingHttpHeaders | OutgoingHttpHeader[]

const UNSUPPORTED = 'Draft mode, preview mode and revalidation apply to pages only.'

/** A request as Next passes it to an API route, with an unread body: routes read and validate it with `parseBody`. */
export class ApiRequest extends IncomingMessage implements NextApiRequest {
  query: Partial<Record<string, string | string[]>> = {}
  body: unknown = undefined
  env = {}
  /** The pattern of the matched route, such as `/api/users/[id]`. */
  route: string | undefined = undefined

  get cookies(): Partial<Record<string, string>> {
    return parseCookies(this.headers.cookie ?? '')
  }
}

/** A response as Next passes it to an API route. */
export class ApiResponse extends ServerResponse<ApiRequest> implements NextApiResponse {
  /**
   * Sends `Connection: close` with every response of a stopping process, so that clients reconnect elsewhere before it
   * exits (RFC 9112, section 9.6).
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
