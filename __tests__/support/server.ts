import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { dropDatabase, makeDatabase } from './databases'

const READY = /Hearth is ready at (http:\/\/\S+)/
const START_TIMEOUT_MS = 60_000

export type RunningServer = {
  url: string
  /** Of a database of its own, migrated; undefined where the server brought its own. */
  databaseUrl: string | undefined
  process: ChildProcess
  /** Everything that it wrote so far. */
  output: () => string
  /** Asks it to stop and waits; the exit code. */
  stop: () => Promise<number | null>
  /** Ends it as a crash would. */
  kill: () => Promise<void>
  /** Stops it, where it runs, and removes its database and data folder. */
  remove: () => Promise<void>
}

/** Starts the built server of this tree with these settings on top of those that suit tests, and waits until it is ready. */
export async function startServer(
  settings: Record<string, string> = {},
  keep: { databaseUrl?: string; dataDir?: string } = {},
): Promise<RunningServer> {
  const name = `e2e_${randomUUID()}`
  const embedded = settings['DATABASE_URL'] === ''
  const ownDatabase = !embedded && keep.databaseUrl === undefined
  const databaseUrl = embedded ? undefined : (keep.databaseUrl ?? (await makeDatabase(name)))
  const dataDir = keep.dataDir ?? (await mkdtemp(join(tmpdir(), 'hearth-e2e-')))
  const child = spawn(process.execPath, ['--import', 'tsx', join('lib', 'server', 'start.ts')], {
    env: {
      PATH: process.env['PATH'],
      HOME: process.env['HOME'],
      NODE_ENV: 'production',
      HOST: '127.0.0.1',
      PORT: '0',
      DATA_DIR: dataDir,
      DATABASE_URL: databaseUrl,
      JWT_SECRET: 'a-secret-of-the-tests-over-http-32-bytes',
      PASSWORD_HASH_COST: '4',
      CORS_ORIGINS: 'https://app.example',
      RATE_LIMIT_REQUESTS: '0',
      RATE_LIMIT_SIGN_INS: '0',
      RATE_LIMIT_STRICT_REQUESTS: '0',
      ...settings,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  const exited = new Promise<number | null>((resolve) => child.once('close', resolve))
  const url = await new Promise<string>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`The server did not start:\n${output}`)), START_TIMEOUT_MS)
    const read = (chunk: Buffer) => {
      output += chunk.toString()
      const ready = READY.exec(output)?.[1]
      if (ready === undefined) return
      clearTimeout(timer)
      resolve(ready)
    }
    child.stdout.on('data', read)
    child.stderr.on('data', read)
    void exited.then((code) => reject(new Error(`The server ended with ${code}:\n${output}`)))
  })
  const end = async (signal: NodeJS.Signals) => {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal)
    return exited
  }
  return {
    url,
    databaseUrl,
    process: child,
    output: () => output,
    stop: () => end('SIGTERM'),
    kill: async () => {
      await end('SIGKILL')
    },
    remove: async () => {
      await end('SIGTERM')
      if (ownDatabase) await dropDatabase(name)
      if (keep.dataDir === undefined) await rm(dataDir, { recursive: true, force: true })
    },
  }
}
