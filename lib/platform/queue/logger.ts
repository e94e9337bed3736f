import { Logger } from 'graphile-worker'
import { logger } from '@/lib/logger'

const IMPORTANT: ReadonlySet<string> = new Set(['error', 'warning'])

/**
 * Passes graphile-worker's messages to our log, errors as `warn` because it retries them. Leaves out their metadata, which
 * contain payloads, and the results of jobs, which the tasks log themselves.
 */
export function workerLogger(): Logger {
  return new Logger(() => (level, message, meta) => {
    if (meta?.['failure'] === true || meta?.['success'] === true) return
    const important = IMPORTANT.has(level)
    logger()[important ? 'warn' : 'trace'](`queue: ${message}`)
  })
}
