import { randomUUID } from 'node:crypto'
import { fuzzedRequests, type Credential } from './fuzzed-requests'
import { sendFuzzed, type FuzzReport } from './send-fuzzed'

export const FUZZ_ADMIN = { email: 'admin@fuzz.example', password: 'correct horse battery' }

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

async function signUp(url: string): Promise<string> {
  const account = { email: `${randomUUID()}@fuzz.example`, password: 'correct horse battery' }
  return String((await post(`${url}/api/auth/register`, account))['token'])
}

async function credentials(url: string, adminToken: string): Promise<Record<Credential, string | undefined>> {
  const user = await signUp(url)
  const key = await post(
    `${url}/api/api-keys`,
    { name: 'fuzz', scopes: ['users:read', 'posts:read', 'posts:write', 'files:read', 'files:write'] },
    await signUp(url),
  )
  return { none: undefined, user, admin: adminToken, apiKey: String(key['key']), garbage: 'not.a.token' }
}

/**
 * Sends `count` requests that are generated from the OpenAPI document to a running server whose admin is `FUZZ_ADMIN`.
 * The admin logs in again for each batch.
 */
export async function fuzzServer(url: string, { count, seed }: { count: number; seed: number }): Promise<FuzzReport> {
  const total: FuzzReport = { sent: 0, byStatus: {}, slowestMs: 0, findings: [] }
  for (let from = 0; from < count; from += BATCH) {
    const requests = fuzzedRequests(Math.min(BATCH, count - from), seed + from)
    const admin = String((await post(`${url}/api/auth/login`, FUZZ_ADMIN))['token'])
    const report = await sendFuzzed(url, requests, await credentials(url, admin))
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
