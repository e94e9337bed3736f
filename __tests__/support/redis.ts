import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { Redis } from 'ioredis'

const START_TIMEOUT_MS = 10_000

export type RunningRedis = {
  url: string
  /** Simulates a crash. Data is lost unless it is persisted. */
  kill: () => Promise<void>
  /** Starts it again on the same port after `kill`. */
  restart: () => Promise<void>
  /** Stops the process, with connections open, until `resume`. */
  pause: () => void
  resume: () => void
}

/** Returns an unused port of the loopback interface. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('No free port found.')
  return address.port
}

async function waitUntilReady(url: string): Promise<void> {
  const client = new Redis(url, { retryStrategy: () => 50, maxRetriesPerRequest: null })
  client.on('error', () => {})
  let timer: NodeJS.Timeout | undefined
  const late = new Promise((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error('redis-server did not start.')), START_TIMEOUT_MS)
  })
  try {
    await Promise.race([client.ping(), late])
  } finally {
    clearTimeout(timer)
    client.disconnect()
  }
}

/**
 * Starts `redis-server` on a free port. The caller kills it. With a folder, every write is persisted there before Redis
 * replies; otherwise data is only in memory.
 */
export async function startRedis(folder?: string): Promise<RunningRedis> {
  if (spawnSync('redis-server', ['--version']).error !== undefined) {
    throw new Error('These tests need redis-server on the PATH; on Debian: apt-get install redis-server')
  }
  const port = await freePort()
  const url = `redis://127.0.0.1:${port}`
  const start = async (): Promise<ChildProcess> => {
    const persistence =
      folder === undefined
        ? ['--appendonly', 'no']
        : ['--appendonly', 'yes', '--appendfsync', 'always', '--dir', folder]
    const options = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', ...persistence]
    const child = spawn('redis-server', options, { stdio: 'ignore' })
    await waitUntilReady(url)
    return child
  }
  let child = await start()
  return {
    url,
    kill: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return
      const ended = once(child, 'exit')
      child.kill('SIGKILL')
      await ended
    },
    restart: async () => {
      child = await start()
    },
    pause: () => child.kill('SIGSTOP'),
    resume: () => child.kill('SIGCONT'),
  }
}

/** Returns all keys. */
export async function redisKeys(url: string): Promise<string[]> {
  const client = new Redis(url)
  try {
    return await client.keys('*')
  } finally {
    client.disconnect()
  }
}
