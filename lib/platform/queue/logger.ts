import { Logger } from 'graphile-worker'
import { logger } from '@/lib/logger'

const IMPORTANT: ReadonlySet<string> = new Set(['error', 'warning'])

/**
 * The queue's own words, in our log. It retries whatever it calls an error, hence `warn`; what it says along with a
 * message holds payloads and is left out. How jobs fare is told by the tasks themselves.
 */
export function workerLogger(): Logger {
  return new Logger(() => (level, message, meta) => {
    if (meta?.['failure'] === true || meta?.['success'] === true) return
    const important = IMPORTANT.has(level)
    logger()[important ? 'warn' : 'trace'](`queue: ${message}`)
  })
}
