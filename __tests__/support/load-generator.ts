import { Agent, type IncomingHttpHeaders, request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'

const REFUSED_PAUSE_MS = 100

export type Call = {
  method?: string
  path: string
  token?: string
  /** Sent as JSON; a string is sent unchanged. */
  body?: unknown
  headers?: Record<string, string>
}

export type ReceivedResponse = { status: number; headers: IncomingHttpHeaders; text: string }

/** A request and its response, undefined if the connection was lost. Times are in milliseconds. */
export type Seen = { name: string; call: Call; startedAt: number; ms: number; response: ReceivedResponse | undefined }

/** Requests of one kind: each client sends one after the other, with pauses. */
export type Stream = { name: string; clients: number; pauseMs?: number; url?: string; next: () => Call }

/** Sends a request over a keep-alive connection. Returns undefined if the connection was refused or lost. */
export async function send(agent: Agent, url: string, call: Call): Promise<ReceivedResponse | undefined> {
  const body = call.body === undefined || typeof call.body === 'string' ? call.body : JSON.stringify(call.body)
  const headers = {
    ...(call.token !== undefined && { Authorization: `Bearer ${call.token}` }),
    ...(body !== undefined && { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) }),
    ...call.headers,
  }
  return new Promise((resolve) => {
    const asked = request(new URL(call.path, url), { agent, method: call.method ?? 'GET', headers }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', () => resolve(undefined))
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          text: Buffer.concat(chunks).toString(),
        }),
      )
    })
    asked.on('error', () => resolve(undefined))
    asked.end(body)
  })
}

/** Sends these streams of requests to a server over keep-alive connections until `stop` is called. */
export function startLoad(url: string, streams: readonly Stream[]): { seen: Seen[]; stop: () => Promise<void> } {
  const agent = new Agent({ keepAlive: true })
  const seen: Seen[] = []
  const stopping = new AbortController()
  const client = async ({ name, pauseMs = 20, next, url: target = url }: Stream): Promise<void> => {
    while (!stopping.signal.aborted) {
      const call = next()
      const startedAt = performance.now()
      const response = await send(agent, target, call)
      seen.push({ name, call, startedAt, ms: performance.now() - startedAt, response })
      // A rejected client backs off before it retries.
      await sleep(response === undefined || response.status >= 500 ? REFUSED_PAUSE_MS : pauseMs)
    }
  }
  const clients = streams.flatMap((stream) => Array.from({ length: stream.clients }, () => client(stream)))
  return {
    seen,
    stop: async () => {
      stopping.abort()
      await Promise.all(clients)
      agent.destroy()
    },
  }
}
