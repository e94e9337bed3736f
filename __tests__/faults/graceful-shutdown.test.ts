import { execFileSync } from 'node:child_process'
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { type RunningServer, startServer } from '../support/server'
import { waitFor } from '../support/wait'

jest.setTimeout(120_000)

/** One second of normal service, ten to finish requests, and time to exit on a busy machine. */
const STOP_MAX_MS = 12_000

/** The number of concurrent requests: 10,000 if the limit of open files allows as many connections. */
const openFilesMax = Number(execFileSync('sh', ['-c', 'ulimit -Hn'], { encoding: 'utf8' }))
const IN_FLIGHT = Math.min(10_000, (Number.isNaN(openFilesMax) ? Infinity : openFilesMax) - 2_000)

/** All of these clients come from one address. */
const SETTINGS = { MAX_REQUESTS_IN_PROGRESS_PER_ADDRESS: '20000' }

type Connection = {
  socket: Socket
  /** Status and `Connection` header of each response. */
  responses: { status: number; connection: string }[]
  /** Sends bytes. Resolves when a response is received or the connection is closed. */
  ask: (bytes: string) => Promise<void>
}

/** Opens a raw connection, so that the test observes the socket without a client library. */
async function openConnection(url: string): Promise<Connection> {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  const responses: Connection['responses'] = []
  let text = ''
  let settle = () => {}
  socket.on('data', (chunk) => {
    text += chunk.toString('latin1')
    const [, status, head = '', body] = /^HTTP\/1\.1 (\d+)(.*?)\r\n\r\n(.*)$/s.exec(text) ?? []
    if (body === undefined || body.length < Number(/content-length: (\d+)/i.exec(head)?.[1])) return
    responses.push({ status: Number(status), connection: /connection: ([\w-]+)/i.exec(head)?.[1] ?? '' })
    text = ''
    settle()
  })
  socket.on('error', () => undefined)
  socket.on('close', () => settle())
  await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject))
  const ask = (bytes: string) =>
    new Promise<void>((resolve) => {
      settle = resolve
      if (socket.closed) resolve()
      else socket.write(bytes)
    })
  return { socket, responses, ask }
}

/** Opens connections in batches, so that the backlog does not overflow. */
async function openConnections(
  url: string,
  count: number,
  use = (_: Connection): unknown => undefined,
): Promise<Connection[]> {
  const connections: Promise<Connection>[] = []
  const opener = async () => {
    while (connections.length < count) {
      const connection = openConnection(url)
      connections.push(connection)
      use(await connection)
    }
  }
  await Promise.all(Array.from({ length: 50 }, opener))
  return Promise.all(connections)
}

async function timedStop(server: RunningServer): Promise<{ code: number | null; tookMs: number }> {
  const startedAt = performance.now()
  const code = await server.stop()
  return { code, tookMs: performance.now() - startedAt }
}

const HELLO = 'GET /api/hello HTTP/1.1\r\nHost: hearth\r\n\r\n'

const receivedClose = ({ responses }: Connection) => responses.at(-1)?.connection === 'close'

describe('a stop under load', () => {
  it('closes none of a thousand busy keep-alive connections without notice', async () => {
    const server = await startServer(SETTINGS)
    const unanswered: Connection[] = []
    const askUntilTold = async (connection: Connection): Promise<void> => {
      for (let count = 0; !receivedClose(connection); count += 1) {
        await connection.ask(HELLO)
        if (connection.responses.length > count) continue
        unanswered.push(connection)
        return
      }
    }
    // Each starts immediately: a busy server accepts the later connections late.
    const clients: Promise<void>[] = []
    const connections = await openConnections(server.url, 1_000, (connection) => clients.push(askUntilTold(connection)))
    const responseCount = () => connections.reduce((sum, { responses }) => sum + responses.length, 0)
    await waitFor('ten thousand responses', () => responseCount() > 10_000, 30_000)
    const { code, tookMs } = await timedStop(server)
    await Promise.all(clients)
    expect(unanswered).toHaveLength(0)
    expect(code).toBe(0)
    expect(tookMs).toBeLessThan(STOP_MAX_MS)
    await server.remove()
  })

  it('responds on every connection that it accepted before it stopped listening', async () => {
    const server = await startServer(SETTINGS)
    const stopping = timedStop(server)
    await waitFor('the server to stop', () => server.output().includes('"stopping"'))
    const outcomes = await Promise.all(
      Array.from({ length: 3_000 }, async () => {
        const connection = await openConnection(server.url).catch(() => undefined)
        await connection?.ask(HELLO)
        return connection?.responses.at(-1)?.connection ?? (connection === undefined ? 'refused' : 'cut')
      }),
    )
    const { code } = await stopping
    const counts = ['close', 'keep-alive', 'cut'].map((kind) => outcomes.filter((outcome) => outcome === kind).length)
    expect(counts).toEqual([expect.any(Number), 0, 0])
    expect(counts[0]).toBeGreaterThan(0)
    expect(code).toBe(0)
    await server.remove()
  })

  it('responds to ten thousand requests in flight with Connection: close', async () => {
    const server = await startServer(SETTINGS)
    const connections = await openConnections(server.url, IN_FLIGHT)
    const body = '{"email":"broken"}'
    const head = `POST /api/auth/login HTTP/1.1\r\nHost: hearth\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`
    for (const { socket } of connections) socket.write(`${head}{`)
    await sleep(1_000)
    const stopping = timedStop(server)
    await waitFor('the shutdown to begin', () => server.output().includes('"stopping"'))
    // Some requests are completed while the server still listens, some afterwards.
    const rests: Promise<void>[] = []
    for (const { ask } of connections) {
      rests.push(ask(body.slice(1)))
      if (rests.length % 1_000 === 0) await sleep(200)
    }
    const { code, tookMs } = await stopping
    await Promise.all(rests)
    const outcomes = connections.map(({ responses }) =>
      responses.map(({ status, connection }) => `${status} ${connection}`),
    )
    expect(outcomes.filter((outcome) => outcome.join() !== '400 close').slice(0, 20)).toEqual([])
    expect(code).toBe(0)
    expect(tookMs).toBeLessThan(STOP_MAX_MS)
    await server.remove()
  })

  it('reports that it is not ready and still responds before it refuses connections', async () => {
    const server = await startServer(SETTINGS)
    const stopped = server.stop()
    const ready = await waitFor('the server to stop', async () => {
      const response = await fetch(`${server.url}/api/ready`)
      return response.status === 503 && response
    })
    expect(ready.status).toBe(503)
    expect((await fetch(`${server.url}/api/health`)).status).toBe(200)
    expect(await stopped).toBe(0)
    await server.remove()
  })

  it('does not wait for idle connections', async () => {
    const server = await startServer(SETTINGS)
    const [asked] = await openConnections(server.url, 2)
    await asked?.ask(HELLO)
    const { code, tookMs } = await timedStop(server)
    expect({ code, inTime: tookMs < 5_000 }).toEqual({ code: 0, inTime: true })
    await server.remove()
  })
})
