import { execFileSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { Agent, request as sendHttp } from 'node:http'
import { text } from 'node:stream/consumers'
import { PASSWORD, uniqueEmail } from '../support/factories'
import { type RunningServer, startServer } from '../support/server'
import { waitFor } from '../support/wait'

jest.setTimeout(180_000)

type Reply = { status: number; headers: NodeJS.Dict<string | string[]>; body: ReturnType<typeof JSON.parse> }

/** A client whose connection, and so its requests, belong to one process. */
type Client = {
  send: (method: string, path: string, options?: { token?: string; body?: unknown; headers?: object }) => Promise<Reply>
  close: () => void
}

function connect(url: string): Client {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  return {
    close: () => agent.destroy(),
    send: (method, path, { token, body, headers = {} } = {}) =>
      new Promise((resolve, reject) => {
        const req = sendHttp(`${url}${path}`, {
          method,
          agent,
          headers: {
            ...(token !== undefined && { Authorization: `Bearer ${token}` }),
            ...(body !== undefined && { 'Content-Type': 'application/json' }),
            ...headers,
          },
        })
        req.once('error', reject)
        req.once('response', (res) => {
          text(res).then((raw) => {
            const isJson = String(res.headers['content-type']).startsWith('application/json')
            resolve({ status: res.statusCode ?? 0, headers: res.headers, body: isJson ? JSON.parse(raw) : raw })
          }, reject)
        })
        req.end(body === undefined ? undefined : JSON.stringify(body))
      }),
  }
}

/** Returns the number of the process that has handled a request, from its log line. */
async function processOf(server: RunningServer, client: Client): Promise<number> {
  const requestId = randomUUID()
  await client.send('GET', '/api/health', { headers: { 'X-Request-Id': requestId } })
  const line = await waitFor('the log line', () =>
    server
      .output()
      .split('\n')
      .find((one) => one.includes(requestId)),
  )
  return Number(JSON.parse(line).process)
}

/** Opens one connection to each of two processes. */
async function connectToEach(server: RunningServer): Promise<[Client, Client]> {
  const byProcess = new Map<number, Client>()
  await waitFor('a connection to each process', async () => {
    const client = connect(server.url)
    const number = await processOf(server, client)
    if (byProcess.has(number)) client.close()
    else byProcess.set(number, client)
    return byProcess.size === 2
  })
  const [first, second] = byProcess.values()
  if (first === undefined || second === undefined) throw new Error('There are not two processes.')
  return [first, second]
}

/** Returns the ids of a process's children. */
function childrenOf(pid: number | undefined): number[] {
  const listed = execFileSync('ps', ['-o', 'pid=,ppid=,args=', '-A'], { encoding: 'utf8' })
  return listed
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(([, parent, , ...args]) => Number(parent) === pid && args.join(' ').includes('start.ts'))
    .map(([id]) => Number(id))
}

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

const ADMIN = { email: 'admin@example.test', password: PASSWORD }

describe('WEB_CONCURRENCY=2', () => {
  let server: RunningServer
  let first: Client
  let second: Client
  let token: string

  beforeAll(async () => {
    server = await startServer({
      WEB_CONCURRENCY: '2',
      ADMIN_EMAIL: ADMIN.email,
      ADMIN_PASSWORD: ADMIN.password,
      RATE_LIMIT_STRICT_REQUESTS: '3',
      RATE_LIMIT_LOGIN_ATTEMPTS: '3',
    })
    ;[first, second] = await connectToEach(server)
    token = (await first.send('POST', '/api/auth/login', { body: ADMIN })).body.token
  })

  afterAll(async () => {
    first.close()
    second.close()
    await server.remove()
  })

  it('revokes a session in both processes before the response', async () => {
    for (let round = 0; round < 20; round += 1) {
      const session = (await first.send('POST', '/api/auth/login', { body: ADMIN })).body.token
      expect((await second.send('GET', '/api/auth/me', { token: session })).status).toBe(200)
      expect((await first.send('POST', '/api/auth/logout', { token: session })).status).toBe(204)
      expect((await second.send('GET', '/api/auth/me', { token: session })).status).toBe(401)
    }
  })

  it('shows a write to the next read of the other process, which had cached the previous state', async () => {
    const created = await first.send('POST', '/api/products', {
      token,
      body: { sku: `S-${randomUUID()}`, name: 'Lamp', priceCents: 1, currency: 'EUR' },
    })
    expect(created.status).toBe(201)
    const path = `/api/products/${created.body.id}`
    for (let price = 2; price < 30; price += 1) {
      await second.send('GET', path)
      expect((await second.send('GET', path)).headers['x-cache']).toBe('hit')
      expect((await first.send('PATCH', path, { token, body: { priceCents: price } })).status).toBe(200)
      expect((await second.send('GET', path)).body.priceCents).toBe(price)
    }
  })

  it('counts requests and failed logins of both processes together', async () => {
    const statuses: number[] = []
    for (let attempt = 0; attempt < 6; attempt += 1) {
      const client = attempt % 2 === 0 ? first : second
      statuses.push(
        (
          await client.send('POST', '/api/auth/login', {
            body: { email: 'nobody@example.test', password: 'wrong one' },
          })
        ).status,
      )
    }
    expect(statuses).toEqual([401, 401, 401, 429, 429, 429])
    const remaining: unknown[] = []
    for (const client of [first, second, first, second]) {
      const { headers } = await client.send('POST', '/api/auth/forgot-password', { body: { email: uniqueEmail() } })
      remaining.push(headers['ratelimit-remaining'])
    }
    expect(remaining).toEqual(['2', '1', '0', '0'])
  })

  it('runs a request with an Idempotency-Key once', async () => {
    const headers = { 'Idempotency-Key': randomUUID() }
    const body = { title: 'Once', content: 'Only once.' }
    const replies = await Promise.all(
      [first, second].map((client) => client.send('POST', '/api/posts', { token, body, headers })),
    )
    const again = await second.send('POST', '/api/posts', { token, body, headers })
    const created = [...replies, again].filter(({ status }) => status === 201)
    expect(new Set(created.map((reply) => reply.body.id)).size).toBe(1)
    expect(again.headers['idempotency-replayed']).toBe('true')
  })

  it('reports the metrics of both processes in one response', async () => {
    const served = async (client: Client): Promise<number> => {
      const { body } = await client.send('GET', '/api/metrics')
      const count = /^http_request_duration_seconds_count\{.*route="\/api\/hello".*\} (\d+)$/m.exec(String(body))?.[1]
      return Number(count ?? 0)
    }
    const before = await served(first)
    await first.send('GET', '/api/hello')
    for (let i = 0; i < 2; i += 1) await second.send('GET', '/api/hello')
    expect(await served(first)).toBe(before + 3)
    expect(await served(second)).toBe(before + 3)
    const text = String((await second.send('GET', '/api/metrics')).body)
    expect(text.match(/^hearth_jobs_waiting /gm)).toHaveLength(1)
    expect(text.match(/^# TYPE process_resident_memory_bytes gauge$/gm)).toHaveLength(1)
  })

  it('replaces a process that was killed, and the other one loads afresh what it had cached', async () => {
    const [, victim] = childrenOf(server.process.pid)
    if (victim === undefined) throw new Error('There are not two processes.')
    process.kill(victim, 'SIGKILL')
    const replaced = await waitFor('the replacement', () => {
      const children = childrenOf(server.process.pid)
      return children.length === 2 && !children.includes(victim) && children
    })
    expect(replaced).toHaveLength(2)
    await waitFor('a response by each process', async () => {
      const clients = [connect(server.url), connect(server.url)]
      const numbers = await Promise.all(clients.map((client) => processOf(server, client).catch(() => 0)))
      for (const client of clients) client.close()
      return numbers.includes(3)
    })
  })

  it('ends with status 0 and leaves no process', async () => {
    const children = childrenOf(server.process.pid)
    expect(await server.stop()).toBe(0)
    expect(children.filter(isAlive)).toEqual([])
  })
})

describe('the processes of one server', () => {
  it('end with status 1 when one crashes again and again', async () => {
    const server = await startServer({ WEB_CONCURRENCY: '2' })
    const ended = new Promise((resolve) => {
      server.process.once('close', resolve)
    })
    const killed = new Set<number>()
    await waitFor('the end', () => {
      for (const pid of childrenOf(server.process.pid)) {
        if (!killed.has(pid)) process.kill(pid, 'SIGKILL')
        killed.add(pid)
      }
      return server.process.exitCode !== null
    })
    expect(await ended).toBe(1)
    expect(server.output()).toMatch(/A process ended \d+ times/)
    await server.remove()
  })

  it('share one embedded database and end with it when the primary process is killed', async () => {
    const server = await startServer({ WEB_CONCURRENCY: '2', DATABASE_URL: '', JWT_SECRET: '' })
    const children = childrenOf(server.process.pid)
    expect(children).toHaveLength(2)
    const response = await fetch(`${server.url}/api/ready`)
    expect(response.status).toBe(200)
    await server.kill()
    await waitFor('the end of all processes', () => !children.some(isAlive))
    await server.remove()
  })

  it('end together at one SIGINT to the whole process group', async () => {
    const server = await startServer({ WEB_CONCURRENCY: '2', DATABASE_URL: '', JWT_SECRET: '' })
    const children = childrenOf(server.process.pid)
    const ended = new Promise((resolve) => {
      server.process.once('close', resolve)
    })
    for (const pid of [...children, server.process.pid]) if (pid !== undefined) process.kill(pid, 'SIGINT')
    expect(await ended).toBe(0)
    expect(children.some(isAlive)).toBe(false)
    await server.remove()
  })
})
