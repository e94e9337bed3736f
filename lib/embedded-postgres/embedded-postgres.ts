import { type ChildProcess, execFile } from 'node:child_process'
import { randomBytes, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import {
  access,
  chmod,
  chown,
  constants,
  copyFile,
  type FileHandle,
  lchown,
  mkdir,
  open,
  readdir,
  readFile,
  readlink,
  realpath,
  rename,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises'
import { createServer } from 'node:net'
import { dirname, join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { Client } from 'pg'
import { defaultIfMissing } from '@/lib/fs-errors'
import { claimFolder, isProcessAlive } from './lockfile'
import {
  type Account,
  chooseAccount,
  findPostgresBinaries,
  type PostgresBinaries,
  spawnAs,
  useYourOwn,
} from './binaries'

export type EmbeddedPostgres = {
  /** `postgresql://user:password@127.0.0.1:port/database`; stays the same for as long as the server runs. */
  url: string
  /** Ends the server and gives the data folder back. May be called more than once, and after the server has ended. */
  stop(): Promise<void>
  /**
   * Settles once the server is gone for good: with `expected` after `stop()`, without it when restarting it failed too
   * often.
   */
  exited: Promise<{ code: number | null; expected: boolean }>
}

type Options = {
  /** A folder for the database alone. It is made where missing, and closed to other users (0700). */
  dataDir: string
  /** The database to make where missing. */
  database: string
  /**
   * Whether a committed row outlives a power cut, at the price of a disk flush a commit. True unless said otherwise.
   */
  durable?: boolean
  /** Is given a sentence about what takes long or went wrong. */
  say?: (line: string) => void
}

/** What the functions below work on: one data folder, claimed by this process. */
type Site = {
  folder: string
  cluster: string
  password: string
  log: FileHandle
  binaries: PostgresBinaries
  account: Account | undefined
  durable: boolean
  say: (line: string) => void
}

type Postmaster = { process: ChildProcess; launchedAt: number; ended: Promise<{ code: number | null; error?: Error }> }

const superuser = 'postgres'
const applicationRole = 'hearth'
const logLimitBytes = 8 * 1024 * 1024
const logCheckMs = 60_000
const startAttempts = 10
const restartAttempts = 10
const restartDelayMs = { first: 100, longest: 5_000 } as const
/** A server that ran this long before it ended counts as healthy again. */
const healthyAfterMs = 60_000

/**
 * Starts a PostgreSQL 18 of this process's own, on the loopback interface and a free port, and makes its data on the
 * first start.
 *
 * The server is in a session of its own, so that Ctrl-C in a terminal does not end it before the application has
 * drained. Should this process be killed, the server lives on until the next start, which ends it and starts anew; no
 * committed row is lost. A server that ends by itself is started again on the same port.
 *
 * In the data folder are `cluster/` (PostgreSQL's own), `password` (for the roles `hearth`, which the URL names and
 * which is no superuser, and `postgres`, which is one), `postgres.log` with its predecessor `postgres.log.old`, and
 * `owner.<n>`, the claim of the process that runs the server.
 *
 * @throws Error while another live process holds the folder, when there is no PostgreSQL for this platform, and when
 *   the server does not start, with the last lines of its log
 */
export async function startEmbeddedPostgres(options: Options): Promise<EmbeddedPostgres> {
  const { database, durable = true, say = () => {} } = options
  const folder = await prepareFolder(options.dataDir)
  const binaries = await findPostgresBinaries()
  const release = await claimFolder(folder)
  let log: FileHandle | undefined
  try {
    log = await openLog(folder)
    const cluster = join(folder, 'cluster')
    const clusterOwner = await stat(cluster).catch(defaultIfMissing(undefined))
    const account = await chooseAccount(binaries, folder, clusterOwner)
    await handOver(folder, clusterOwner && cluster, account)
    const password = await readOrMakePassword(folder, account, clusterOwner !== undefined)
    const site: Site = { folder, cluster, password, log, binaries, account, durable, say }
    await makeCluster(site)
    await endOrphan(site)
    const { postmaster, port } = await startOnFreePort(site)
    try {
      await createDatabase(site, port, database)
    } catch (error) {
      if (isRunning(postmaster)) await shutDown(site, postmaster.process.pid)
      throw error
    }
    return supervise(site, postmaster, port, database, release)
  } catch (error) {
    await log?.close()
    await release()
    throw error
  }
}

async function prepareFolder(dataDir: string): Promise<string> {
  const path = resolve(dataDir)
  try {
    await mkdir(dirname(path), { recursive: true })
    await mkdir(path, { recursive: true, mode: 0o700 })
    const status = await stat(path)
    if ((status.mode & 0o077) !== 0) await chmod(path, 0o700)
    await access(path, constants.R_OK | constants.W_OK | constants.X_OK)
  } catch (cause) {
    throw new Error(`The data folder ${path} cannot be used: ${String(cause)}`, { cause })
  }
  return realpath(path)
}

/** The last run's log is kept beside the new one: it may tell why that run ended. */
async function openLog(folder: string): Promise<FileHandle> {
  const path = join(folder, 'postgres.log')
  await rename(path, `${path}.old`).catch(defaultIfMissing(undefined))
  return open(path, 'a+', 0o600)
}

/** Gives what root made, or copied here, to the user that PostgreSQL runs as. */
async function handOver(folder: string, cluster: string | undefined, account: Account | undefined): Promise<void> {
  if (cluster !== undefined) {
    const { uid } = await stat(cluster)
    const self = process.getuid?.()
    if (account === undefined && self !== undefined && uid !== self) {
      throw new Error(`The database in ${cluster} belongs to user id ${uid}, and this process is user id ${self}.`)
    }
  }
  if (account === undefined) return
  if ((await stat(folder)).uid === 0) await chown(folder, account.uid, account.gid)
  if (cluster === undefined || (await stat(cluster)).uid === account.uid) return
  const inside = await readdir(cluster, { recursive: true })
  for (const name of inside) await lchown(join(cluster, name), account.uid, account.gid)
  // The folder itself comes last, so that a start which was interrupted here begins again.
  await lchown(cluster, account.uid, account.gid)
}

async function readOrMakePassword(folder: string, account: Account | undefined, hasCluster: boolean): Promise<string> {
  const path = join(folder, 'password')
  const known = await readFile(path, 'utf8').catch(defaultIfMissing(''))
  if (known.trim() !== '') return known.trim()
  if (hasCluster)
    throw new Error(`The database in ${folder} cannot be opened without its password: the file ${path} is missing.`)
  const password = randomBytes(24).toString('base64url')
  const temporary = `${path}.new`
  await rm(temporary, { force: true })
  await writeFile(temporary, `${password}\n`, { mode: 0o600, flush: true })
  if (account !== undefined) await chown(temporary, account.uid, account.gid)
  await rename(temporary, path)
  return password
}

/** Makes the cluster under a temporary name first, so that an interrupted attempt is never mistaken for a cluster. */
async function makeCluster(site: Site): Promise<void> {
  const { folder, cluster, account, durable, say } = site
  for (const name of await readdir(folder)) {
    // An attempt that was killed a moment ago may still be writing, hence the retries.
    if (name.startsWith('cluster.new-')) await rm(join(folder, name), { recursive: true, force: true, maxRetries: 10 })
  }
  if ((await stat(cluster).catch(defaultIfMissing(undefined))) !== undefined) return
  say(`Making a PostgreSQL database in ${folder}.`)
  const temporary = join(folder, `cluster.new-${randomUUID()}`)
  await mkdir(temporary, { mode: 0o700 })
  if (account !== undefined) await chown(temporary, account.uid, account.gid)
  try {
    await runInitdb(site, [
      `--pgdata=${temporary}`,
      `--username=${superuser}`,
      `--pwfile=${join(folder, 'password')}`,
      '--auth=scram-sha-256',
      '--encoding=UTF8',
      // PostgreSQL's built-in locale sorts by code point and knows every alphabet's capitals. It is the same on all
      // systems and does not change with the system's libraries, as theirs do, which would leave indexes in a wrong
      // order.
      '--locale=C',
      '--locale-provider=builtin',
      '--builtin-locale=C.UTF-8',
      '--no-instructions',
      ...(durable ? [] : ['--no-sync']),
    ])
    await rename(temporary, cluster)
  } catch (error) {
    await rm(temporary, { recursive: true, force: true, maxRetries: 10 })
    throw error
  }
  if (durable) await syncFolder(folder)
}

async function runInitdb({ binaries, account, folder }: Site, args: string[]): Promise<void> {
  const child = spawnAs(account, binaries.initdb, args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  const collect = (chunk: Buffer) => (output += chunk.toString())
  child.stdout?.on('data', collect)
  child.stderr?.on('data', collect)
  const failed = (reason: string, cause?: unknown) =>
    new Error(`The embedded PostgreSQL could not make its database: ${reason}. ${useYourOwn}`, { cause })
  const [code] = await once(child, 'close').catch((cause: unknown) => {
    throw failed(`${binaries.initdb} does not run`, cause)
  })
  if (code !== 0) throw failed(`initdb ended with ${code}:\n${output.trim()}`)
}

async function syncFolder(path: string): Promise<void> {
  // Windows cannot open a folder; its file systems order a rename themselves.
  if (process.platform === 'win32') return
  const handle = await open(path, 'r')
  await handle.sync().finally(() => handle.close())
}

/**
 * Ends the server that a killed process left behind on this cluster, and what PostgreSQL would take for a live server.
 */
async function endOrphan(site: Site): Promise<void> {
  const path = join(site.cluster, 'postmaster.pid')
  const read = () => readFile(path, 'utf8').catch(defaultIfMissing(undefined))
  const pid = Number((await read())?.split('\n')[0])
  if (pid > 0 && (await isProcessAlive(pid)) && (await isPostmaster(pid, site.cluster))) {
    site.say(`Ending the PostgreSQL (process ${pid}) that an earlier server left behind in ${site.folder}.`)
    await shutDown(site, pid)
  }
  const left = await read()
  if (left === undefined) return
  if (process.platform === 'win32') return rm(path)
  // PostgreSQL refuses to start when the file is empty, and while any process has the id in it, be it a stranger that
  // got the id since or a dead server that nobody waited for. It takes its own parent's id for stale, though. That is
  // better than to remove the file: the other lines let it notice surviving children of a dead server, which are still
  // writing.
  await writeFile(path, [process.pid, ...left.split('\n').slice(1)].join('\n'), { flush: true })
}

async function isPostmaster(pid: number, cluster: string): Promise<boolean> {
  // A server's working folder is its cluster.
  const working = await readlink(`/proc/${pid}/cwd`).catch(() => undefined)
  if (working !== undefined) return working === cluster
  const listed = await promisify(execFile)('ps', ['-o', 'command=', '-p', String(pid)]).catch(() => undefined)
  return listed !== undefined && listed.stdout.includes(`-D ${cluster} `)
}

/**
 * Ends a postmaster: fast, which rolls open transactions back; after 10 s immediately, which leaves the rest to
 * recovery at the next start; and after another 10 s by force. Committed rows are in the write-ahead log in all three
 * cases.
 */
async function shutDown({ binaries }: Site, pid: number | undefined): Promise<void> {
  if (pid === undefined) return
  for (const signal of ['SIGINT', 'SIGQUIT', 'SIGKILL'] as const) {
    await signalPostmaster(binaries, pid, signal)
    for (const deadline = Date.now() + 10_000; Date.now() < deadline; await sleep(10)) {
      if (!(await isProcessAlive(pid))) return
    }
  }
  throw new Error(`The embedded PostgreSQL (process ${pid}) could not be ended.`)
}

async function signalPostmaster(
  { pgCtl }: PostgresBinaries,
  pid: number,
  signal: 'SIGINT' | 'SIGQUIT' | 'SIGKILL',
): Promise<void> {
  if (process.platform === 'win32' && signal !== 'SIGKILL') {
    // Windows has no signals; PostgreSQL has a pipe in their place, and pg_ctl knows it.
    await once(spawnAs(undefined, pgCtl, ['kill', signal.slice(3), String(pid)], { stdio: 'ignore' }), 'exit')
    return
  }
  try {
    process.kill(pid, signal)
  } catch {
    // It has ended already, which the caller is about to see.
  }
}

async function startOnFreePort(site: Site): Promise<{ postmaster: Postmaster; port: number }> {
  for (let attempt = 1; ; attempt++) {
    const port = await findFreePort()
    const logStart = (await site.log.stat()).size
    const postmaster = launch(site, port)
    if (await becomesReady(site, postmaster)) return { postmaster, port }
    const { code, error } = await postmaster.ended
    const lines = await readLogEnd(site.log, logStart)
    // Both pass: another program took the port first, and the children of a server that was killed are still leaving.
    const passes = /could not create any TCP\/IP sockets|pre-existing shared memory block/.test(lines)
    if (attempt >= startAttempts || !passes) {
      const reason = error === undefined ? `it ended with ${code}:\n${lines}` : error.message
      throw new Error(`The embedded PostgreSQL in ${site.folder} did not start: ${reason}`, { cause: error })
    }
    await sleep(100 * attempt)
  }
}

async function findFreePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('A TCP server has no port.')
  return address.port
}

function launch({ cluster, log, binaries, account, durable }: Site, port: number): Postmaster {
  const settings = {
    listen_addresses: '127.0.0.1',
    port,
    unix_socket_directories: '',
    timezone: 'UTC',
    log_timezone: 'UTC',
    // Statements, and the details of an error, hold people's data, which does not belong in a log.
    log_error_verbosity: 'terse',
    log_min_error_statement: 'panic',
    log_checkpoints: 'off',
    // The cluster's own configuration file may say otherwise, so both cases are spelt out.
    fsync: durable ? 'on' : 'off',
    synchronous_commit: durable ? 'on' : 'off',
    full_page_writes: durable ? 'on' : 'off',
  }
  const args = ['-D', cluster, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])]
  const child = spawnAs(account, binaries.postgres, args, {
    cwd: cluster,
    detached: true,
    stdio: ['ignore', log.fd, log.fd],
  })
  const ended = new Promise<{ code: number | null; error?: Error }>((settle) => {
    child.once('exit', (code) => settle({ code }))
    child.once('error', (error) => settle({ code: null, error }))
  })
  return { process: child, launchedAt: Date.now(), ended }
}

/** Waits until the server accepts connections, however long its recovery takes, or has ended. */
async function becomesReady({ cluster, say }: Site, postmaster: Postmaster): Promise<boolean> {
  const { pid } = postmaster.process
  for (let told = Date.now(); isRunning(postmaster); await sleep(10)) {
    // Of the file's lines, the first is the server's process id, the eighth its state (pidfile.h).
    const lines = (await readFile(join(cluster, 'postmaster.pid'), 'utf8').catch(() => '')).split('\n')
    if (lines[0] === String(pid) && lines[7]?.trim() === 'ready') return true
    if (Date.now() - told > 10_000) {
      say('The embedded PostgreSQL is still starting; after a crash it replays its log first.')
      told = Date.now()
    }
  }
  return false
}

function isRunning({ process: child }: Postmaster): boolean {
  return child.pid !== undefined && child.exitCode === null && child.signalCode === null
}

async function readLogEnd(log: FileHandle, start: number): Promise<string> {
  const { size } = await log.stat()
  const from = Math.max(start, size - 4096)
  const { buffer, bytesRead } = await log.read(Buffer.alloc(4096), 0, 4096, from)
  return buffer.toString('utf8', 0, bytesRead).trim().split('\n').slice(-10).join('\n')
}

function urlOf({ password }: Site, role: string, port: number, database: string): string {
  return `postgresql://${role}:${password}@127.0.0.1:${port}/${encodeURIComponent(database)}`
}

/**
 * Makes the application's role and database where missing. The role may make databases, as tests do, but is no
 * superuser.
 */
async function createDatabase(site: Site, port: number, database: string): Promise<void> {
  const client = new Client({ connectionString: urlOf(site, superuser, port, 'postgres') })
  // Without a listener a connection that breaks ends the process; the query that is under way fails all the same.
  client.on('error', () => {})
  await client.connect()
  try {
    const role = client.escapeIdentifier(applicationRole)
    const roles = await client.query('SELECT 1 FROM pg_roles WHERE rolname = $1', [applicationRole])
    if (roles.rowCount === 0) {
      await client.query(`CREATE ROLE ${role} LOGIN CREATEDB PASSWORD ${client.escapeLiteral(site.password)}`)
    }
    const databases = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [database])
    if (databases.rowCount === 0)
      await client.query(`CREATE DATABASE ${client.escapeIdentifier(database)} OWNER ${role}`)
  } finally {
    await client.end()
  }
}

/**
 * Watches over a running server: starts it again when it ends by itself, keeps its log short, and ends it when asked
 * to.
 */
function supervise(
  site: Site,
  first: Postmaster,
  port: number,
  database: string,
  release: () => Promise<void>,
): EmbeddedPostgres {
  const stopping = new AbortController()
  let current = first
  let stopped: Promise<void> | undefined

  async function keepRunning(): Promise<{ code: number | null; expected: boolean }> {
    for (let failures = 0; ;) {
      const { code } = await current.ended
      failures = Date.now() - current.launchedAt > healthyAfterMs ? 1 : failures + 1
      if (stopping.signal.aborted) return { code, expected: true }
      if (failures > restartAttempts) return { code, expected: false }
      site.say(
        `The embedded PostgreSQL ended unexpectedly (${current.process.signalCode ?? code}); it is started again.`,
      )
      const delay = Math.min(restartDelayMs.first * 2 ** (failures - 1), restartDelayMs.longest)
      await sleep(delay, undefined, { signal: stopping.signal }).catch(() => {})
      if (stopping.signal.aborted) return { code, expected: true }
      try {
        current = launch(site, port)
        void tellWhenReady(current)
      } catch (error) {
        // Out of memory, for one. It counts as a failed start.
        site.say(`The embedded PostgreSQL could not be started again: ${String(error)}`)
        current = { ...current, launchedAt: Date.now() }
      }
    }
  }

  async function tellWhenReady(postmaster: Postmaster): Promise<void> {
    if (await becomesReady(site, postmaster)) site.say('The embedded PostgreSQL accepts connections again.')
  }

  async function end(): Promise<void> {
    stopping.abort()
    if (isRunning(current)) await shutDown(site, current.process.pid)
    await exited
    clearInterval(logCheck)
    await site.log.close()
    await release()
  }

  const exited = keepRunning()
  const logCheck = setInterval(() => void shortenLog(site), logCheckMs).unref()
  return { url: urlOf(site, applicationRole, port, database), exited, stop: () => (stopped ??= end()) }
}

/** A server that runs for months would fill the disk with its log otherwise. */
async function shortenLog({ folder, log, say }: Site): Promise<void> {
  try {
    if ((await log.stat()).size < logLimitBytes) return
    const path = join(folder, 'postgres.log')
    await copyFile(path, `${path}.old`)
    await log.truncate()
  } catch (error) {
    say(`The log of the embedded PostgreSQL could not be shortened: ${String(error)}`)
  }
}
