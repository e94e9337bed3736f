import { setTimeout as sleep } from 'node:timers/promises'

/** Polls until the result is neither undefined nor false. The timeout only ends tests that would hang. */
export async function waitFor<T>(
  what: string,
  ask: () => Promise<T | undefined | false> | T | undefined | false,
  timeoutMs = 60_000,
): Promise<T> {
  const deadline = performance.now() + timeoutMs
  for (;;) {
    const result = await ask()
    if (result !== undefined && result !== false) return result
    if (performance.now() > deadline) throw new Error(`Timed out waiting for ${what}`)
    await sleep(25)
  }
}
