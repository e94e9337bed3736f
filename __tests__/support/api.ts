import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { ErrorCode, ErrorDetails } from '@/lib/errors'
import type { User } from '@/lib/domains/users/schema'
import { assertConforms } from './assert-matches-openapi'
import { type ApiModule, callRoute } from './route-server'

type Route = { file: string; pattern: RegExp; names: { name: string; many: boolean }[] }

const pagesDir = join(process.cwd(), 'pages', 'api')

/** The route files below pages/api, static ones first, in the order in which Next matches them. */
export const routes: readonly Route[] = readdirSync(pagesDir, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .map(toRoute)
  .sort((a, b) => (rank(a) < rank(b) ? -1 : 1))

function rank(route: Route): string {
  return route.file.replaceAll('[...', '~~').replaceAll('[', '~')
}

function toRoute(file: string): Route {
  const names: Route['names'] = []
  const path = file.replace(/\.ts$/, '').replace(/(^|\/)index$/, '')
  const source = path
    .split('/')
    .filter((segment) => segment !== '')
    .map((segment) => {
      const parameter = /^\[(\.\.\.)?(\w+)\]$/.exec(segment)
      if (parameter === null) return `/${segment.replace(/[.]/g, '\\.')}`
      names.push({ name: parameter[2] ?? '', many: parameter[1] !== undefined })
      return parameter[1] === undefined ? '/([^/]+)' : '/(.+)'
    })
    .join('')
  return { file, pattern: new RegExp(`^/api${source}$`), names }
}

function findRoute(pathname: string): { file: string; params: Record<string, string | string[]> } {
  for (const route of routes) {
    const match = route.pattern.exec(pathname)
    if (match === null) continue
    const params = route.names.map(({ name, many }, index) => {
      const raw = match[index + 1] ?? ''
      return [name, many ? raw.split('/').map(decodeURIComponent) : decodeURIComponent(raw)]
    })
    return { file: route.file, params: Object.fromEntries(params) }
  }
  throw new Error(`No route file matches ${pathname}`)
}

export type Call = {
  token?: string | undefined
  /** Sent as JSON. */
  json?: unknown
  /** Sent unchanged. */
  body?: BodyInit
  headers?: Record<string, string>
}

/** The properties that most tests read. A test that reads others passes the type of its body to `api`. */
export type Body = {
  id: number
  user: User
  token: string
  expiresIn: number
  pagination: { page: number; limit: number; total: number; pages: number }
  error: { code: ErrorCode; message: string; details: ErrorDetails; requestId: string }
}

export type ApiResponse<T> = {
  status: number
  headers: Headers
  /** The body, if it is JSON. */
  json: T
  text: string
}

let serverUrl: string | undefined

/** Makes `api` call a running server or, if undefined, the routes in this process. */
export function useServer(url: string | undefined): void {
  serverUrl = url
}

/** Calls a route: in this process through Next's own resolver, or on the server given to `useServer`. */
export async function api<T = Body>(method: string, url: string, call: Call = {}): Promise<ApiResponse<T>> {
  const headers = new Headers(call.headers)
  if (call.token !== undefined) headers.set('Authorization', `Bearer ${call.token}`)
  if (call.json !== undefined && !headers.has('Content-Type')) headers.set('Content-Type', 'application/json')
  const body = call.json === undefined ? call.body : JSON.stringify(call.json)
  const init: RequestInit = { method, headers, redirect: 'manual', ...(body !== undefined && { body }) }
  const response = await (serverUrl === undefined
    ? callInProcess<T>(url, init)
    : fetch(`${serverUrl}${url}`, init).then(toApiResponse<T>))
  assertConforms({ method, url }, response)
  return response
}

async function toApiResponse<T>(response: Response): Promise<ApiResponse<T>> {
  const { status, headers } = response
  // An event stream does not end by itself.
  const isEndless = headers.get('content-type')?.startsWith('text/event-stream') === true
  if (isEndless) await response.body?.cancel()
  const text = isEndless ? '' : await response.text()
  const isJson = /^application\/(problem\+)?json/.test(headers.get('content-type') ?? '') && text !== ''
  return { status, headers, text, json: isJson ? JSON.parse(text) : undefined }
}

async function callInProcess<T>(url: string, init: RequestInit): Promise<ApiResponse<T>> {
  const { file, params } = findRoute(url.split('?')[0] ?? url)
  const module: ApiModule = await import(join(pagesDir, file))
  return toApiResponse<T>(await callRoute({ module, params, url }, init))
}
