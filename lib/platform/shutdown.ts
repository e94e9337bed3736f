import { processSingleton } from '@/lib/process-singleton'

const shutdown = processSingleton('shutdown', () => ({ isInProgress: false }))

/** Marks the process as shutting down: it is no longer ready, but still serves requests in progress. */
export function markShuttingDown(): void {
  shutdown().isInProgress = true
}

/** Returns whether the process is shutting down. */
export function isShuttingDown(): boolean {
  return shutdown().isInProgress
}
