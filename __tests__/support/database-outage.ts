import { randomUUID } from 'node:crypto'
import { Agent } from 'node:http'
import { uniqueEmail, PASSWORD } from './factories'
import { type ReceivedResponse, type Call, type Seen, send, type Stream } from './load-generator'
import { queryOnce } from './postgres'

/** A write that a client sent: `mark` identifies its row; `isRepeatable` if it may be sent again. */
type Write = { table: keyof typeof MARKS; mark: string; isRepeatable: boolean }

/** The column that contains the mark, by table. */
const MARKS = { posts: 'title', products: 'sku', contact_messages: 'name', files: 'path', users: 'name' } as const

const RETRIES_IN_FLIGHT = 8

const ADMIN = { email: 'admin@outage.test', password: PASSWORD }

/** Settings for the server under test. */
export const outageSettings = { ADMIN_EMAIL: ADMIN.email, ADMIN_PASSWORD: ADMIN.password }

function expectStatus(response: ReceivedResponse | undefined, ...statuses: number[]): ReceivedResponse {
  if (response === undefined || !statuses.includes(response.status))
    throw new Error(`Expected ${statuses.join(' or ')}, got ${response?.status} ${response?.text}`)
  return response
}

/** Creates streams of typical requests, and records what they write. */
export async function prepareClients(url: string): Promise<{
  streams: Stream[]
  /** Repeats each unacknowledged write that is idempotent or has an idempotency key, and expects it to succeed. */
  retry: (seen: readonly Seen[]) => Promise<{ retried: number; acknowledged: Set<Call> }>
  /** Returns the marks of acknowledged writes that are missing in the database, and of writes that are duplicated. */
  audit: (databaseUrl: string, acknowledged: ReadonlySet<Call>) => Promise<{ lost: string[]; doubled: string[] }>
}> {
  const agent = new Agent({ keepAlive: true })
  const json = async (call: Call) => JSON.parse(expectStatus(await send(agent, url, call), 200, 201).text)
  const account = { email: uniqueEmail(), password: PASSWORD }
  const { token, user } = await json({ method: 'POST', path: '/api/auth/register', body: account })
  // Of its own: a user has at most 50 sessions, of which each login revokes the oldest.
  const frequent = { email: uniqueEmail(), password: PASSWORD }
  await json({ method: 'POST', path: '/api/auth/register', body: frequent })
  const { token: admin } = await json({ method: 'POST', path: '/api/auth/login', body: ADMIN })
  const newProduct = (sku: string) => ({ sku, name: 'Lamp', priceCents: 1990 })
  const product = await json({ method: 'POST', path: '/api/products', token: admin, body: newProduct(randomUUID()) })

  const writes = new Map<Call, Write>()
  const write = (table: Write['table'], toCall: (mark: string) => Call, isRepeatable = false) => {
    const mark = randomUUID()
    const call = toCall(mark)
    writes.set(call, { table, mark, isRepeatable: isRepeatable || call.headers?.['Idempotency-Key'] !== undefined })
    return call
  }
  const post = (title: string): Call => ({ method: 'POST', path: '/api/posts', token, body: { title, content: 'x' } })
  const keyed = (call: Call): Call => ({ ...call, headers: { 'Idempotency-Key': randomUUID() } })
  const asAdmin = (path: string, body: unknown): Call => ({ method: 'POST', path, token: admin, body })
  const line = (sku: string) => ({
    ...asAdmin('/api/products/import', `${JSON.stringify(newProduct(sku))}\n`),
    headers: { 'Content-Type': 'application/x-ndjson' },
  })
  const file = (path: string): Call => ({ method: 'PUT', path: `/api/files/me/${path}`, token, body: 'some words' })
  const message = (name: string): Call => ({
    method: 'POST',
    path: '/api/contact',
    body: { name, email: 'visitor@outage.test', message: 'A message of some length.' },
  })
  const signUp = (name: string): Call => ({
    method: 'POST',
    path: '/api/auth/register',
    body: { email: uniqueEmail(), password: PASSWORD, name },
  })

  const streams: Stream[] = [
    { name: 'health', clients: 1, next: () => ({ path: '/api/health' }) },
    { name: 'readiness', clients: 1, next: () => ({ path: '/api/ready' }) },
    { name: 'cached product', clients: 2, next: () => ({ path: `/api/products/${product.id}` }) },
    { name: 'cached list', clients: 1, next: () => ({ path: '/api/products?limit=10' }) },
    { name: 'uncached list', clients: 2, next: () => ({ path: '/api/posts?limit=5' }) },
    { name: 'export', clients: 1, next: () => ({ path: '/api/products/export?category=none' }) },
    { name: 'who am I', clients: 2, next: () => ({ path: '/api/auth/me', token }) },
    { name: 'user', clients: 2, next: () => ({ path: `/api/users/${user.id}?include=posts`, token }) },
    { name: 'sign-in', clients: 1, next: () => ({ method: 'POST', path: '/api/auth/login', body: frequent }) },
    { name: 'sign-up', clients: 1, next: () => write('users', signUp) },
    { name: 'post', clients: 3, next: () => write('posts', post) },
    { name: 'keyed post', clients: 12, next: () => write('posts', (title) => keyed(post(title))) },
    {
      name: 'keyed product',
      clients: 2,
      next: () => write('products', (sku) => keyed(asAdmin('/api/products', newProduct(sku)))),
    },
    { name: 'import', clients: 1, next: () => write('products', line, true) },
    { name: 'file', clients: 1, next: () => write('files', file, true) },
    { name: 'keyed message', clients: 1, next: () => write('contact_messages', (name) => keyed(message(name))) },
  ]

  return {
    streams,
    retry: async (seen) => {
      const isDone = ({ response }: Seen) => response !== undefined && response.status < 300
      const acknowledged = new Set(seen.filter(isDone).map(({ call }) => call))
      const open = [...writes].filter(([call, { isRepeatable }]) => isRepeatable && !acknowledged.has(call))
      const retried = open.length
      const client = async () => {
        for (let next = open.pop(); next !== undefined; next = open.pop()) {
          const [call] = next
          expectStatus(await send(agent, url, call), 200, 201)
          acknowledged.add(call)
        }
      }
      await Promise.all(Array.from({ length: RETRIES_IN_FLIGHT }, client))
      agent.destroy()
      return { retried, acknowledged }
    },
    audit: async (databaseUrl, acknowledged) => {
      const lost: string[] = []
      const doubled: string[] = []
      for (const [table, column] of Object.entries(MARKS)) {
        const found = await queryOnce<{ mark: string; count: number }>(
          databaseUrl,
          `SELECT ${column} AS mark, count(*)::int AS count FROM ${table} GROUP BY 1`,
        )
        const counts = new Map(found.map(({ mark, count }) => [mark, count]))
        for (const [call, write] of writes) {
          if (write.table !== table) continue
          const count = counts.get(write.mark) ?? 0
          if (count === 0 && acknowledged.has(call)) lost.push(`${table} ${write.mark}`)
          if (count > 1) doubled.push(`${table} ${write.mark}`)
        }
      }
      return { lost, doubled }
    },
  }
}
