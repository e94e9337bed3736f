import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import * as fs from 'node:fs/promises'
import { createServer } from 'node:net'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Client, DatabaseError } from 'pg'
import { defaultIfMissing, hasCode } from '@/lib/fs-errors'
import { type Account, chooseAccount, DATABASE_URL_HINT, findPostgresBinaries, runAs } from './binaries'
import type { PostgresBinaries } from './binaries'

export type EmbeddedPostgresOptions = {
  /** A folder for the database alone. It is created if missing, with mode 0700. */
  dataDir: string
  /** The database to create if missing. */
  database: string
  /** Whether a committed row survives a power cut, at the price of a disk flush per commit. The default is true. */
  durable?: boolean
  /** Use the server of another process if one is running, instead of throwing. */
  shared?: boolean
  /** Receives a sentence about what takes long. */
  print?: (line: string) => void
}

export type EmbeddedPostgres = {
  /** `postgresql://user:password@127.0.0.1:port/database` */
  url: string
  /** Whether the server belongs to another process. */
  isShared: boolean
  /** Stops the server, unless it is another process's. May be called more than once. */
  stop: () => Promise<void>
  /** Resolves with a sentence when the server has ended without `stop()`. */
  ended: Promise<string>
}

type Cluster = Required<EmbeddedPostgresOptions> & {
  folder: string
  path: string
  log: string
  password: string
  binaries: PostgresBinaries
  account: Account | undefined
}

const SUPERUSER = 'postgres'
const APPLICATION_ROLE = 'hearth'
/** The owner of a cluster holds this advisory lock; the next key serialises the creation of role and database. */
const OWNER_LOCK = 72_707_300
const LOG_MAX_BYTES = 8 * 1024 * 1024
const START_ATTEMPTS = 20
const START_TIMEOUT_SECONDS = 3_600
const STOP_TIMEOUT_SECONDS = 10

/** Failures that pass: the port was taken, another process starts or stops the same cluster, or children still exit. */
const TRANSIENT = /could not create any TCP\/IP sockets|pre-existing shared memory block|lock file "postmaster.pid"/

/**
 * Starts a PostgreSQL 18 on the loopback interface and a free port; the first start creates its data.
 *
 * `pg_ctl` starts it in a session of its own, so that Ctrl-C in a terminal does not end it before the application. It
 * survives this process: whether its owner is alive shows in an advisory lock, which the owner's connection holds for
 * as long as it lives. The next start takes over a server without owner, and no committed row is lost.
 *
 * The folder contains `cluster/` (PostgreSQL's own), `postgres.log` and `password`, that of the roles `hearth`, which the
 * URL names and which is no superuser, and `postgres`, which is one.
 *
 * @throws Error while another live process owns the folder, if there is no PostgreSQL for this platform, and if the
 *   server does not start, with the last lines of its log
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const cluster = await openCluster(options)
  const { client, port } = await connectOrStart(cluster)
  try {
    await createDatabase(client, cluster)
    const url = urlOf(cluster, APPLICATION_ROLE, port, cluster.database)
    if (await acquireOwnership(client)) {
      await removeLeftovers(cluster)
      return own(cluster, client, url)
    }
    if (!cluster.shared) {
      const owner = await findOwner(client)
      throw new Error(`The data folder ${cluster.folder} is in use by another Hearth server (process ${owner}).`)
    }
    await client.end()
    return { url, isShared: true, stop: async () => {}, ended: new Promise(() => {}) }
  } catch (error) {
    await client.end()
    throw error
  }
}

/** Prepares the folder, its password and its data. */
async function openCluster(options: EmbeddedPostgresOptions): Promise<Cluster> {
  const folder = await prepareFolder(options.dataDir)
  const [path, log] = [join(folder, 'cluster'), join(folder, 'postgres.log')]
  const binaries = await findPostgresBinaries()
  const clusterOwner = await fs.stat(path).catch(defaultIfMissing(undefined))
  const account = await chooseAccount(binaries, folder, clusterOwner)
  if (clusterOwner !== undefined) await assertOwned(path, clusterOwner.uid, account)
  if (account !== undefined) await chownDataFolder(folder, account)
  const password = await readOrCreatePassword(folder, account, clusterOwner !== undefined)
  const defaults = { durable: true, shared: false, print: () => {} }
  const cluster = { ...defaults, ...options, folder, path, log, password, binaries, account }
  if (clusterOwner === undefined) await initCluster(cluster)
  return cluster
}

async function prepareFolder(dataDir: string): Promise<string> {
  const path = resolve(dataDir)
  try {
    await fs.mkdir(path, { recursive: true, mode: 0o700 })
    if (((await fs.stat(path)).mode & 0o077) !== 0) await fs.chmod(path, 0o700)
    await fs.access(path, fs.constants.R_OK | fs.constants.W_OK | fs.constants.X_OK)
  } catch (cause) {
    throw new Error(`The data folder ${path} cannot be used: ${String(cause)}`, { cause })
  }
  return fs.realpath(path)
}

async function assertOwned(path: string, uid: number, account: Account | undefined): Promise<void> {
  const self = process.getuid?.()
  if (account === undefined && self !== undefined && uid !== self) {
    throw new Error(`The database in ${path} belongs to user id ${uid}, and this process is user id ${self}.`)
  }
}

/** Gives what root has created or copied to the user that PostgreSQL runs as. */
async function chownDataFolder(folder: string, { uid, gid }: Account): Promise<void> {
  const cluster = join(folder, 'cluster')
  const isRoots = async (path: string) => (await fs.lstat(path).catch(defaultIfMissing(undefined)))?.uid === 0
  for (const path of [folder, join(folder, 'password'), join(folder, 'postgres.log')]) {
    if (await isRoots(path)) await fs.lchown(path, uid, gid)
  }
  if (!(await isRoots(cluster))) return
  for (const name of await fs.readdir(cluster, { recursive: true })) await fs.lchown(join(cluster, name), uid, gid)
  // The folder itself comes last, so that an interrupted start begins again.
  await fs.lchown(cluster, uid, gid)
}

async function readOrCreatePassword(folder: string, account: Account | undefined, hasCluster: boolean) {
  const path = join(folder, 'password')
  const known = (await fs.readFile(path, 'utf8').catch(defaultIfMissing(''))).trim()
  if (known !== '') return known
  if (hasCluster) {
    throw new Error(`The database in ${folder} cannot be opened without its password: the file ${path} is missing.`)
  }
  const temporary = `${path}.${process.pid}`
  await fs.writeFile(temporary, `${randomBytes(24).toString('base64url')}\n`, { mode: 0o600, flush: true })
  if (account !== undefined) await fs.chown(temporary, account.uid, account.gid)
  // A link fails where the file exists: of several processes all use the password of the first.
  await fs.link(temporary, path).catch((error: unknown) => {
    if (!hasCode(error, 'EEXIST')) throw error
  })
  await fs.rm(temporary)
  return (await fs.readFile(path, 'utf8')).trim()
}

/** Creates the data under a temporary name first, so that an interrupted attempt is never mistaken for a cluster. */
async function initCluster({ folder, path, binaries, account, durable, print }: Cluster): Promise<void> {
  print(`Initialising PostgreSQL in ${folder}.`)
  const temporary = join(folder, `cluster.new-${process.pid}`)
  await fs.rm(temporary, { recursive: true, force: true })
  const args = [
    `--pgdata=${temporary}`,
    `--username=${SUPERUSER}`,
    `--pwfile=${join(folder, 'password')}`,
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    // PostgreSQL's built-in locale is the same on all systems. Those of the system's libraries change with updates,
    // which would leave indexes in a wrong order.
    '--locale=C',
    '--locale-provider=builtin',
    '--builtin-locale=C.UTF-8',
    '--no-instructions',
    ...(durable ? [] : ['--no-sync']),
  ]
  try {
    const { code, output } = await runAs(account, binaries.initdb, args, folder)
    if (code !== 0) throw new Error(`PostgreSQL could not be initialised:\n${output}\n${DATABASE_URL_HINT}`)
    await fs.rename(temporary, path)
  } catch (error) {
    await fs.rm(temporary, { recursive: true, force: true, maxRetries: 10 })
    // Another process may have been faster.
    const exists = await fs.stat(path).catch(defaultIfMissing(undefined))
    if (exists === undefined) throw error
  }
  // Windows cannot open a folder; its file systems order a rename themselves.
  if (!durable || process.platform === 'win32') return
  const handle = await fs.open(folder, 'r')
  await handle.sync().finally(() => handle.close())
}

/** Deletes what initialisations left that were killed. */
async function removeLeftovers({ folder }: Cluster): Promise<void> {
  for (const name of await fs.readdir(folder)) {
    if (!name.startsWith('cluster.new-')) continue
    await fs.rm(join(folder, name), { recursive: true, force: true, maxRetries: 10 })
  }
}

type Connection = { client: Client; port: number }

async function connectOrStart(cluster: Cluster): Promise<Connection> {
  for (let attempt = 1; ; attempt++) {
    const connection = await connectToRunning(cluster)
    if (connection !== undefined) return connection
    const failure = await startPostmaster(cluster, attempt)
    if (attempt >= START_ATTEMPTS || (failure !== undefined && !TRANSIENT.test(failure))) {
      throw new Error(`The embedded PostgreSQL in ${cluster.folder} did not start:\n${failure ?? 'no connection'}`)
    }
    if (failure !== undefined) await sleep(50 * attempt)
  }
}

/** Connects to the server of this cluster; returns undefined if none runs. Waits while one starts or stops. */
async function connectToRunning(cluster: Cluster): Promise<Connection | undefined> {
  for (;;) {
    // The fourth line of the file is the port (pidfile.h).
    const port = Number((await readPidFile(cluster))[3])
    if (!(port > 0)) return undefined
    const connectionString = urlOf(cluster, SUPERUSER, port, 'postgres')
    const client = new Client({ connectionString, application_name: `hearth ${process.pid}` })
    // Without a listener a lost connection would end the process; the query in progress fails all the same.
    client.on('error', () => {})
    try {
      await client.connect()
      const { rows } = await client.query<{ data_directory: string }>('SHOW data_directory')
      // After a restart, or in a copy of the folder, another server may listen on that port.
      if (rows[0]?.data_directory === cluster.path) return { client, port }
      await client.end()
      return undefined
    } catch (error) {
      // cannot_connect_now: the server is starting, which may take long after a crash, or stopping.
      if (!(error instanceof DatabaseError && error.code === '57P03')) return undefined
      await sleep(50)
    }
  }
}

async function readPidFile({ path }: Cluster): Promise<string[]> {
  return (await fs.readFile(join(path, 'postmaster.pid'), 'utf8').catch(defaultIfMissing(''))).split('\n')
}

/** Starts the server. Returns undefined, or the last lines of the log if it did not start. */
async function startPostmaster(cluster: Cluster, attempt: number): Promise<string | undefined> {
  const { folder, path, log, binaries, account, durable } = cluster
  await releaseStalePidFile(cluster, attempt)
  const size = (await fs.stat(log).catch(defaultIfMissing(undefined)))?.size ?? 0
  if (size > LOG_MAX_BYTES) await fs.rename(log, `${log}.old`)
  const logStart = size > LOG_MAX_BYTES ? 0 : size
  const settings = {
    listen_addresses: '127.0.0.1',
    port: await findFreePort(),
    unix_socket_directories: '',
    timezone: 'UTC',
    log_timezone: 'UTC',
    // Ends the statements of killed clients, which could hold locks for as long as they run.
    client_connection_check_interval: '1s',
    // Statements, and the details of an error, hold people's data, which does not belong in a log.
    log_error_verbosity: 'terse',
    log_min_error_statement: 'panic',
    log_checkpoints: 'off',
    // The cluster's own configuration file may differ, so both cases are passed.
    fsync: durable ? 'on' : 'off',
    synchronous_commit: durable ? 'on' : 'off',
    full_page_writes: durable ? 'on' : 'off',
  }
  const postgresOptions = Object.entries(settings).map(([name, value]) => `-c ${name}=${value}`)
  const args = ['start', '-w', '-s', '-t', `${START_TIMEOUT_SECONDS}`, '-D', path, '-l', log]
  const { code, output } = await runAs(account, binaries.pgCtl, [...args, '-o', postgresOptions.join(' ')], folder)
  if (code === 0) return undefined
  const written = (await fs.readFile(log).catch(defaultIfMissing(Buffer.alloc(0)))).subarray(logStart).toString()
  return `${output}\n${written}`.trim().split('\n').slice(-10).join('\n')
}

/**
 * PostgreSQL refuses to start while any process has the id in `postmaster.pid`, even if it is not a PostgreSQL, but
 * accepts the id of the process that called `pg_ctl`. The file itself must stay: it lets PostgreSQL notice surviving
 * children of a dead server, which may still write.
 */
async function releaseStalePidFile(cluster: Cluster, attempt: number): Promise<void> {
  const file = join(cluster.path, 'postmaster.pid')
  const [first = '', ...rest] = await readPidFile(cluster)
  // PostgreSQL creates the file empty and writes it immediately: it stays empty only after a crash.
  if (first === '' && attempt > 5) await fs.rm(file, { force: true })
  if (first === '' || (await isPostmaster(Number(first), cluster))) return
  if (process.platform === 'win32') await fs.rm(file)
  else await fs.writeFile(file, [process.pid, ...rest].join('\n'), { flush: true })
}

async function isPostmaster(pid: number, { path }: Cluster): Promise<boolean> {
  // A server's working folder is its cluster.
  const working = await fs.readlink(`/proc/${pid}/cwd`).catch(() => undefined)
  if (working !== undefined) return working === path
  const listed = await runAs(undefined, 'ps', ['-o', 'command=', '-p', `${pid}`], '/').catch(() => undefined)
  return listed !== undefined && listed.output.includes(`-D ${path} `)
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

function urlOf({ password }: Cluster, role: string, port: number, database: string): string {
  return `postgresql://${role}:${password}@127.0.0.1:${port}/${encodeURIComponent(database)}`
}

/** Creates the application's role and database if missing. The role may create databases, as tests do. */
async function createDatabase(client: Client, { database, password }: Cluster): Promise<void> {
  await client.query('SELECT pg_advisory_lock($1)', [OWNER_LOCK + 1])
  const role = client.escapeIdentifier(APPLICATION_ROLE)
  const roles = await client.query('SELECT 1 FROM pg_roles WHERE rolname = $1', [APPLICATION_ROLE])
  if (roles.rowCount === 0) {
    await client.query(`CREATE ROLE ${role} LOGIN CREATEDB PASSWORD ${client.escapeLiteral(password)}`)
  }
  const databases = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [database])
  if (databases.rowCount === 0) await client.query(`CREATE DATABASE ${client.escapeIdentifier(database)} OWNER ${role}`)
  await client.query('SELECT pg_advisory_unlock($1)', [OWNER_LOCK + 1])
}

async function acquireOwnership(client: Client): Promise<boolean> {
  const { rows } = await client.query<{ acquired: boolean }>('SELECT pg_try_advisory_lock($1) AS acquired', [
    OWNER_LOCK,
  ])
  return rows[0]?.acquired === true
}

async function findOwner(client: Client): Promise<string> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT application_name AS name FROM pg_stat_activity JOIN pg_locks USING (pid)
      WHERE locktype = 'advisory' AND objid = $1 AND granted`,
    [OWNER_LOCK],
  )
  return rows[0]?.name.replace('hearth ', '') ?? 'unknown'
}

/** Watches the connection that holds the lock, which ends with the server, and stops the server on request. */
function own(cluster: Cluster, first: Client, url: string): EmbeddedPostgres {
  const { folder, path, log, binaries, account } = cluster
  let client = first
  let stopped: Promise<void> | undefined

  const stopWith = (mode: string) =>
    runAs(
      account,
      binaries.pgCtl,
      ['stop', '-w', '-s', '-t', `${STOP_TIMEOUT_SECONDS}`, '-D', path, '-m', mode],
      folder,
    )

  async function stop(): Promise<void> {
    // Immediate mode leaves the rest to recovery at the next start. Committed rows are in the log in both cases.
    if ((await stopWith('fast')).code !== 0) await stopWith('immediate')
    await client.end()
  }

  async function watch(): Promise<string> {
    for (;;) {
      // Not events.once, which rejects at the `error` that precedes `end`.
      await new Promise((settle) => client.once('end', settle))
      if (stopped !== undefined) return new Promise(() => {})
      // After the crash of one of its processes the server closes all connections, and accepts new ones.
      const again = await connectToRunning(cluster)
      if (again === undefined || !(await acquireOwnership(again.client))) {
        return `The embedded PostgreSQL in ${folder} ended unexpectedly; see ${log}.`
      }
      client = again.client
    }
  }
  return { url, isShared: false, stop: () => (stopped ??= stop()), ended: watch() }
}
