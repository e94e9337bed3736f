import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { parse } from 'node:querystring'
import type { NextApiHandler } from 'next'
import { apiResolver } from 'next/dist/server/api-utils/node/api-resolver'

export type ApiModule = { default: NextApiHandler; config?: object }

type RouteCall = { module: ApiModule; params: Record<string, string | string[]>; url: string; error?: unknown }

const PREVIEW = { previewModeId: '', previewModeEncryptionKey: '', previewModeSigningKey: '', dev: false }

const calls = new Map<string, RouteCall>()
let server: Server | undefined

/**
 * Calls a route module through Next's own resolver, as next-test-api-route-handler does, but over one server for all
 * calls of a test file. The handler receives the URL exactly as given; `fetch` would normalise it.
 * @throws the error that the handler throws.
 */
export async function callRoute(call: RouteCall, init: RequestInit): Promise<Response> {
  server ??= await listen()
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('The server is not listening on a port.')
  const id = randomUUID()
  calls.set(id, call)
  try {
    return await fetch(`http://127.0.0.1:${address.port}/${id}`, init)
  } catch (error) {
    throw call.error ?? error
  } finally {
    calls.delete(id)
  }
}

async function listen(): Promise<Server> {
  const created = createServer((req, res) => {
    const call = calls.get(req.url?.slice(1) ?? '')
    if (call === undefined) {
      req.destroy()
      return
    }
    req.url = call.url
    const query = { ...parse(call.url.split('?')[1] ?? ''), ...call.params }
    apiResolver(req, res, query, call.module, PREVIEW, true).catch((error: unknown) => {
      call.error = error
      req.destroy()
    })
  })
  // The client must never reuse a connection that this server is about to close.
  created.keepAliveTimeout = 0
  created.listen(0, '127.0.0.1')
  await once(created, 'listening')
  return created
}

afterAll(() => {
  server?.closeAllConnections()
  server?.close()
})
