import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { link, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { hasCode, defaultIfMissing } from '@/lib/fs-errors'

/**
 * A process as it is remembered in a file: a mark beside the id, since ids are reused. An empty mark means "not known".
 */
type Owner = { pid: number; mark: string }

/**
 * Claims a folder for this process, so that no two servers run a database in it.
 *
 * A claim is a file `owner.<n>`, and the highest `n` is the one that counts. A claim of a process that is gone is taken
 * over by making `owner.<n + 1>`, which only one of several can do, and looking whether it is the highest then. The
 * highest file is never removed, only emptied on release, so that a process which was slow between looking and making
 * cannot end up with a number that was used before.
 *
 * @returns the function that gives the folder back
 * @throws Error of one line, naming the process and the folder, while a live process holds it
 */
export async function claimFolder(folder: string): Promise<() => Promise<void>> {
  const self = `${process.pid} ${(await processMark(process.pid)) ?? ''}`
  for (;;) {
    const highest = await highestClaim(folder)
    const owner = await readOwner(join(folder, `owner.${highest}`))
    if (owner !== undefined && (await isSameProcess(owner))) {
      throw new Error(`The data folder ${folder} is in use by another Hearth server (process ${owner.pid}).`)
    }
    const mine = `owner.${highest + 1}`
    if (!(await createWhole(folder, mine, self))) continue
    if ((await highestClaim(folder)) > highest + 1) {
      await rm(join(folder, mine), { force: true })
      continue
    }
    const others = (await readdir(folder)).filter((name) => name.startsWith('owner.') && name !== mine)
    await Promise.all(others.map((name) => rm(join(folder, name), { force: true })))
    // The folder may have been removed meanwhile.
    return () => truncate(join(folder, mine)).catch(defaultIfMissing(undefined))
  }
}

/** Whether a live process owns a folder. */
export async function isClaimed(folder: string): Promise<boolean> {
  const owner = await readOwner(join(folder, `owner.${await highestClaim(folder).catch(defaultIfMissing(0))}`))
  return owner !== undefined && isSameProcess(owner)
}

/** Whether a process with this id runs; one that ended and was not yet waited for by its parent does not count. */
export async function isProcessAlive(pid: number): Promise<boolean> {
  return (await processMark(pid)) !== undefined
}

async function highestClaim(folder: string): Promise<number> {
  const numbers = (await readdir(folder)).map((name) => Number(/^owner\.(\d+)$/.exec(name)?.[1] ?? 0))
  return Math.max(0, ...numbers)
}

async function readOwner(path: string): Promise<Owner | undefined> {
  const text = await readFile(path, 'utf8').catch(defaultIfMissing(''))
  const [, pid, mark = ''] = /^(\d+) (.*)$/.exec(text) ?? []
  return pid === undefined ? undefined : { pid: Number(pid), mark }
}

/** Makes a file that nobody ever sees half written, and reports whether it was this call that made it. */
async function createWhole(folder: string, name: string, text: string): Promise<boolean> {
  const temporary = join(folder, `owner.new-${randomUUID()}`)
  await writeFile(temporary, text, { flush: true })
  try {
    await link(temporary, join(folder, name))
    return true
  } catch (error) {
    // ENOENT: the winner of a race swept the temporary file away.
    if (hasCode(error, 'EEXIST') || hasCode(error, 'ENOENT')) return false
    throw error
  } finally {
    await rm(temporary, { force: true })
  }
}

async function isSameProcess({ pid, mark }: Owner): Promise<boolean> {
  const now = await processMark(pid)
  return now !== undefined && (now === mark || now === '' || mark === '')
}

/** What tells a process from a later one with the same id: when it started. Undefined when no such process runs. */
async function processMark(pid: number): Promise<string | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined)
  if (stat !== undefined) {
    // The command's name, in parentheses, may itself hold spaces and parentheses. After it: field 3, the state, and
    // field 22, the start in clock ticks since boot (proc_pid_stat(5)).
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    if (fields[0] === 'Z' || fields[0] === 'X') return undefined
    const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => '')
    return `${boot.trim()}/${fields[19] ?? ''}`
  }
  try {
    process.kill(pid, 0)
  } catch (error) {
    // EPERM: it runs, as somebody else.
    if (!hasCode(error, 'EPERM')) return undefined
  }
  const listed = await promisify(execFile)('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], {
    env: { PATH: '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC', NODE_ENV: 'production' },
  }).catch(() => undefined)
  const [, state = '', started = ''] = /^(\S+)\s+(.*\S)\s*$/.exec(listed?.stdout ?? '') ?? []
  return state.startsWith('Z') ? undefined : started
}
