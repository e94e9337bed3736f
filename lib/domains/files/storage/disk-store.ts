import { createWriteStream } from 'node:fs'
import { access, constants, mkdir, open, rm, statfs } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { serviceUnavailable } from '@/lib/errors'
import { hasCode } from '@/lib/fs-errors'
import type { FileStore } from './store'

/** Chunk size of reads and writes. Larger ones are no faster; smaller ones cost a thread switch each. */
const CHUNK_BYTES = 512 * 1024

/** Syncing during the upload leaves little to sync at its end. */
const SYNC_INTERVAL_MS = 100

/**
 * Syncs a file periodically while it is written. Returns a function that stops it. Errors are ignored, because the writer
 * gets them from the operating system too.
 */
function syncPeriodically(path: string): () => Promise<void> {
  const stopping = new AbortController()
  const { signal } = stopping
  const sync = async () => {
    await sleep(SYNC_INTERVAL_MS, undefined, { signal })
    const handle = await open(path, 'r+')
    try {
      while (!signal.aborted) {
        await handle.datasync()
        await sleep(SYNC_INTERVAL_MS, undefined, { signal })
      }
    } finally {
      await handle.close()
    }
  }
  const ended = sync().catch(() => {})
  return async () => {
    stopping.abort()
    await ended
  }
}

/** Syncs the entries of a folder, which syncing a file does not, so that they survive a power failure. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Creates a store in a folder, with 256 subfolders named after the first byte of the keys. */
export function diskStore(folder: string): FileStore {
  const pathOf = (key: string) => join(folder, key.slice(0, 2), key)
  return {
    async write(key, body) {
      const path = pathOf(key)
      if ((await mkdir(dirname(path), { recursive: true, mode: 0o700 })) !== undefined) await syncFolder(folder)
      try {
        const options = { flags: 'wx', mode: 0o600, flush: true, highWaterMark: CHUNK_BYTES }
        const stopSyncing = syncPeriodically(path)
        try {
          await pipeline(body, createWriteStream(path, options))
        } finally {
          await stopSyncing()
        }
        await syncFolder(dirname(path))
      } catch (error) {
        await rm(path, { force: true })
        throw hasCode(error, 'ENOSPC') || hasCode(error, 'EDQUOT') ? serviceUnavailable(error, 60) : error
      }
    },

    async read(key, range) {
      try {
        const handle = await open(pathOf(key), 'r')
        return handle.createReadStream({ ...range, highWaterMark: CHUNK_BYTES })
      } catch (error) {
        if (hasCode(error, 'ENOENT')) return undefined
        throw error
      }
    },

    async remove(key) {
      await rm(pathOf(key), { force: true })
    },

    async freeBytes() {
      await mkdir(folder, { recursive: true, mode: 0o700 })
      const { bavail, bsize } = await statfs(folder)
      return bavail * bsize
    },

    async check() {
      await mkdir(folder, { recursive: true, mode: 0o700 })
      await access(folder, constants.R_OK | constants.W_OK | constants.X_OK)
    },
  }
}
