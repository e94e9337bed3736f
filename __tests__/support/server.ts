import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { dropDatabase, createDatabase } from './databases'
import './assert-openapi-on-fetch'

const READY = /Hearth is ready at (http:\/\/\S+)/
const START_TIMEOUT_MS = 60_000

export type RunningServer = {
  url: string
  /** URL of the server's own migrated database; undefined if the server uses an embedded one. */
  databaseUrl: string | undefined
  dataDir: string
  process: ChildProcess
  /** Returns its output so far. */
  output: () => string
  /** Sends SIGTERM and waits. Returns the exit code. */
  stop: () => Promise<number | null>
  /** Simulates a crash. */
  kill: () => Promise<void>
  /** Stops it if it runs, and deletes its database and data folder. */
  remove: () => Promise<void>
}

/** Starts the built server with these settings in addition to those for tests, and waits until it is ready. */
export async function startServer(
  settings: Record<string, string> = {},
  keep: { databaseUrl?: string; dataDir?: string } = {},
): Promise<RunningServer> {
  const name = `e2e_${randomUUID()}`
  const embedded = settings['DATABASE_URL'] === ''
  const ownDatabase = !embedded && keep.databaseUrl === undefined
  const databaseUrl = embedded ? undefined : (keep.databaseUrl ?? (await createDatabase(name)))
  const dataDir = keep.dataDir ?? (await mkdtemp(join(tmpdir(), 'hearth-e2e-')))
  const logFile = join(tmpdir(), `hearth-${name}.log`)
  const log = openSync(logFile, 'w')
  const child = spawn(process.execPath, ['--require', 'tsx/cjs', join('lib', 'cli', 'start.ts')], {
    env: {
      PATH: process.env['PATH'],
      HOME: process.env['HOME'],
      NODE_ENV: 'production',
      HOST: '127.0.0.1',
      PORT: '0',
      DATA_DIR: dataDir,
      DATABASE_URL: databaseUrl,
      JWT_SECRET: 'a-secret-of-the-tests-over-http-32-bytes',
      BCRYPT_COST: '4',
      CORS_ORIGINS: 'https://app.example',
      RATE_LIMIT_REQUESTS: '0',
      RATE_LIMIT_LOGIN_ATTEMPTS: '0',
      RATE_LIMIT_STRICT_REQUESTS: '0',
      ...settings,
    },
    // A file, not a pipe: a test that is busy must not slow down the server that it measures.
    stdio: ['ignore', log, log],
  })
  closeSync(log)
  const output = () => readFileSync(logFile, 'utf8')
  let ended = false
  const exited = new Promise<number | null>((resolve) => {
    child.once('close', (code) => {
      ended = true
      resolve(code)
    })
  })
  const startedAt = performance.now()
  let url: string | undefined
  while (url === undefined) {
    await new Promise((resolve) => setTimeout(resolve, 25))
    url = READY.exec(output())?.[1]
    if (url !== undefined) break
    if (ended) throw new Error(`The server ended:\n${output()}`)
    if (performance.now() - startedAt > START_TIMEOUT_MS) {
      child.kill('SIGKILL')
      throw new Error(`The server did not start:\n${output()}`)
    }
  }
  const end = async (signal: NodeJS.Signals) => {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal)
    return exited
  }
  return {
    url,
    databaseUrl,
    dataDir,
    process: child,
    output,
    stop: () => end('SIGTERM'),
    kill: async () => {
      await end('SIGKILL')
    },
    remove: async () => {
      await end('SIGTERM')
      await rm(logFile, { force: true })
      if (ownDatabase) await dropDatabase(name)
      if (keep.dataDir === undefined) await rm(dataDir, { recursive: true, force: true })
    },
  }
}
