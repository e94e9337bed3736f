import { execFileSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, realpath, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client } from 'pg'
import { startEmbeddedPostgres } from '@/lib/embedded-postgres/embedded-postgres'
import { chooseAccount, findPostgresBinaries, spawnAs } from '@/lib/embedded-postgres/binaries'
import { waitFor } from './wait'

const DATABASE = 'hearth'

export type RunningPostgres = {
  /** URL of an empty database. */
  url: string
  /** Simulates a crash, which closes all connections. Committed rows survive in the write-ahead log. */
  kill: () => Promise<void>
  /** Starts it again on the same port after `kill`. Resolves when it accepts queries. */
  restart: () => Promise<void>
  /** Stops all its processes, with connections open, until `resume`. */
  pause: () => void
  /** Resolves when it accepts queries. */
  resume: () => Promise<void>
  /** Stops it and deletes its data. */
  remove: () => Promise<void>
}

/** Runs a statement over a separate connection. Returns its rows. */
export async function queryOnce<R extends object>(url: string, text: string, values: unknown[] = []): Promise<R[]> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 1_000, query_timeout: 10_000 })
  client.on('error', () => undefined)
  await client.connect()
  try {
    return (await client.query<R>(text, values)).rows
  } finally {
    await client.end()
  }
}

const waitUntilReady = (url: string) =>
  waitFor('PostgreSQL to accept queries', () =>
    queryOnce(url, 'SELECT 1').then(
      () => true,
      () => false,
    ),
  )

/** Signals the postmaster first, so that it starts no more children, and then its children. */
function signalAll(postmaster: number, signal: NodeJS.Signals): void {
  process.kill(postmaster, signal)
  const listed = execFileSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' })
  for (const line of listed.split('\n')) {
    const [pid, parent] = line.trim().split(/\s+/).map(Number)
    if (parent !== postmaster || pid === undefined) continue
    try {
      process.kill(pid, signal)
    } catch {
      // The child has exited meanwhile.
    }
  }
}

/**
 * Starts a PostgreSQL server for outage tests. It is durable, as in production, and is not restarted after a crash except
 * by `restart`.
 */
export async function startPostgres(): Promise<RunningPostgres> {
  // If the tests run as root, the user of the database needs access to the folder, which mkdtemp creates with mode 0700.
  const top = await realpath(await mkdtemp(join(tmpdir(), 'hearth-outage-')))
  await chmod(top, 0o711)
  const dataDir = join(top, 'postgres')
  const made = await startEmbeddedPostgres({ dataDir, database: DATABASE })
  await made.stop()
  const cluster = join(dataDir, 'cluster')
  const binaries = await findPostgresBinaries()
  const account = await chooseAccount(binaries, dataDir, await stat(cluster))
  const options = ['listen_addresses=127.0.0.1', `port=${new URL(made.url).port}`, 'unix_socket_directories=']
  const start = async (): Promise<ChildProcess> => {
    const args = ['-D', cluster, ...options.flatMap((option) => ['-c', option])]
    const child = spawnAs(account, binaries.postgres, args, { cwd: cluster, stdio: 'ignore' })
    await waitUntilReady(made.url)
    return child
  }
  let child = await start()
  const kill = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'exit')
    child.kill('SIGQUIT')
    await ended
  }
  const signal = (name: NodeJS.Signals) => child.pid !== undefined && signalAll(child.pid, name)
  return {
    url: made.url,
    kill,
    restart: async () => {
      child = await start()
    },
    pause: () => void signal('SIGSTOP'),
    resume: async () => {
      signal('SIGCONT')
      await waitUntilReady(made.url)
    },
    remove: async () => {
      signal('SIGCONT')
      await kill()
      await rm(top, { recursive: true, force: true })
    },
  }
}
