/** npm forwards the SIGINT that the terminal has sent to the whole process group: signals this close together are one. */
const SAME_SIGNAL_MS = 1_000

/**
 * Runs `stop` at the first signal and exits with 0 once it is done. A second, deliberate signal skips the rest: it runs
 * `abort` and exits with 1.
 * @returns a function that reports whether a signal has arrived
 */
export function onShutdownSignal(
  stop: (signal: NodeJS.Signals) => Promise<void>,
  abort: () => Promise<void> = async () => {},
): () => boolean {
  let firstAt: number | undefined
  const exitAfter = (work: Promise<void>, code: number) => {
    work.then(
      () => process.exit(code),
      (error: unknown) => {
        process.stderr.write(`${String(error)}\n`)
        process.exit(1)
      },
    )
  }
  const onSignal = (signal: NodeJS.Signals) => {
    if (firstAt === undefined) {
      firstAt = performance.now()
      exitAfter(stop(signal), 0)
    } else if (performance.now() - firstAt > SAME_SIGNAL_MS) {
      exitAfter(abort(), 1)
    }
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal)
  return () => firstAt !== undefined
}
