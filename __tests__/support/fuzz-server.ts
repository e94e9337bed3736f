import { randomUUID } from 'node:crypto'
import { queryOnce } from './postgres'
import type { RunningServer } from './server'
import { fuzzedRequests, type Credential } from './fuzzed-requests'
import { sendFuzzed, type FuzzReport } from './send-fuzzed'

/** Requests after which callers sign in anew: fuzzed requests delete accounts, sessions and keys. */
const BATCH = 250

async function post(url: string, body: object, token?: string): Promise<Record<string, unknown>> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', ...(token !== undefined && { Authorization: `Bearer ${token}` }) },
    body: JSON.stringify(body),
  })
  if (!response.ok) throw new Error(`${url} returned ${response.status}: ${await response.text()}`)
  return response.json()
}

async function signUp(url: string, email = `${randomUUID()}@fuzz.example`): Promise<string> {
  const account = { email, password: 'correct horse battery' }
  return String((await post(`${url}/api/auth/register`, account))['token'])
}

/** Returns the token of a new admin: an earlier one may have deleted every account that it could name. */
async function signUpAdmin({ url, databaseUrl }: RunningServer): Promise<string> {
  const email = `${randomUUID()}@fuzz.example`
  await signUp(url, email)
  await queryOnce(databaseUrl ?? '', "UPDATE users SET role = 'admin' WHERE email = $1", [email])
  return String((await post(`${url}/api/auth/login`, { email, password: 'correct horse battery' }))['token'])
}

async function credentials(server: RunningServer): Promise<Record<Credential, string | undefined>> {
  const { url } = server
  const user = await signUp(url)
  const key = await post(
    `${url}/api/api-keys`,
    { name: 'fuzz', scopes: ['users:read', 'posts:read', 'posts:write', 'files:read', 'files:write'] },
    await signUp(url),
  )
  return { none: undefined, user, admin: await signUpAdmin(server), apiKey: String(key['key']), garbage: 'not.a.token' }
}

/** Sends `count` requests that are generated from the OpenAPI document to a running server. */
export async function fuzzServer(
  server: RunningServer,
  { count, seed }: { count: number; seed: number },
): Promise<FuzzReport> {
  const total: FuzzReport = { sent: 0, byStatus: {}, slowestMs: 0, findings: [] }
  for (let from = 0; from < count; from += BATCH) {
    const requests = fuzzedRequests(Math.min(BATCH, count - from), seed + from)
    const report = await sendFuzzed(server.url, requests, await credentials(server))
    total.sent += report.sent
    total.slowestMs = Math.max(total.slowestMs, report.slowestMs)
    for (const [status, times] of Object.entries(report.byStatus)) {
      total.byStatus[status] = (total.byStatus[status] ?? 0) + times
    }
    total.findings.push(
      ...report.findings.map((finding) => ({ ...finding, request: `seed ${seed + from}: ${finding.request}` })),
    )
  }
  return total
}
