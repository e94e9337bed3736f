import { Agent, request as httpRequest, type IncomingMessage } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import { deviations } from './assert-matches-openapi'
import type { Credential, FuzzedRequest } from './fuzzed-requests'

export type FuzzFinding = { request: string; status: number; problem: string }
export type FuzzReport = { sent: number; byStatus: Record<string, number>; slowestMs: number; findings: FuzzFinding[] }

type Reply = { status: number; headers: Headers; text: string }

const CONCURRENCY = 8
const FINDINGS_MAX = 20

function decode(bytes: Buffer, encoding: string | null): Buffer {
  // A response to HEAD has the headers alone.
  if (encoding === null || bytes.length === 0) return bytes
  return encoding === 'br' ? brotliDecompressSync(bytes) : gunzipSync(bytes)
}

function send(url: string, fuzzed: FuzzedRequest, token: string | undefined, agent: Agent): Promise<Reply> {
  const { hostname, port } = new URL(url)
  const { method, target, headers, body } = fuzzed
  return new Promise((resolve, reject) => {
    const outgoing = httpRequest(
      {
        agent,
        hostname,
        port,
        method,
        path: target,
        headers: {
          ...headers,
          // Node's client announces no length for a GET or DELETE, and the body would be read as the next request.
          ...(body !== undefined && { 'content-length': String(body.length) }),
          ...(token !== undefined && { authorization: `Bearer ${token}` }),
        },
      },
      (incoming: IncomingMessage) => {
        const received = new Headers()
        for (let at = 0; at < incoming.rawHeaders.length; at += 2) {
          received.append(incoming.rawHeaders[at] ?? '', incoming.rawHeaders[at + 1] ?? '')
        }
        buffer(incoming)
          .then((bytes) => {
            const text = decode(bytes, received.get('content-encoding')).toString()
            resolve({ status: incoming.statusCode ?? 0, headers: received, text })
          })
          .catch(reject)
      },
    )
    outgoing.on('error', reject)
    outgoing.end(body)
  })
}

function problemsOf(fuzzed: FuzzedRequest, reply: Reply): string[] {
  if (reply.status >= 500) return [`status ${reply.status}: ${reply.text.slice(0, 300)}`]
  const problems = deviations({ method: fuzzed.method, url: fuzzed.target }, reply)
  if (!/^[A-Za-z0-9._-]{1,64}$/.test(reply.headers.get('x-request-id') ?? '')) problems.push('no X-Request-Id')
  if (/\bat .+\.(ts|js):\d+|node_modules|prisma/i.test(reply.status >= 400 ? reply.text : ''))
    problems.push('internal details')
  return problems
}

/** Sends requests a few at a time and reports every response that is a 5xx or does not match the document. */
export async function sendFuzzed(
  url: string,
  requests: readonly FuzzedRequest[],
  credentials: Record<Credential, string | undefined>,
): Promise<FuzzReport> {
  const agent = new Agent({ keepAlive: true, maxSockets: CONCURRENCY })
  const report: FuzzReport = { sent: 0, byStatus: {}, slowestMs: 0, findings: [] }
  const waiting = [...requests]
  const work = async () => {
    for (let fuzzed = waiting.pop(); fuzzed !== undefined; fuzzed = waiting.pop()) {
      const startedAt = performance.now()
      const describe = `${fuzzed.method} ${fuzzed.target} ${JSON.stringify(fuzzed.headers)} as ${fuzzed.credential} ${fuzzed.body?.toString('latin1').slice(0, 200) ?? ''}`
      try {
        const reply = await send(url, fuzzed, credentials[fuzzed.credential], agent)
        report.byStatus[reply.status] = (report.byStatus[reply.status] ?? 0) + 1
        for (const problem of problemsOf(fuzzed, reply)) {
          if (report.findings.length < FINDINGS_MAX)
            report.findings.push({ request: describe, status: reply.status, problem })
        }
      } catch (error) {
        report.findings.push({ request: describe, status: 0, problem: String(error) })
      }
      report.sent += 1
      report.slowestMs = Math.max(report.slowestMs, performance.now() - startedAt)
    }
  }
  await Promise.all(Array.from({ length: CONCURRENCY }, work))
  agent.destroy()
  return report
}
