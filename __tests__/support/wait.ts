import { setTimeout as sleep } from 'node:timers/promises'

/** Asks again and again until there is an answer other than undefined or false. */
export async function waitFor<T>(
  what: string,
  ask: () => Promise<T | undefined | false> | T | undefined | false,
  timeoutMs = 15_000,
): Promise<T> {
  const deadline = performance.now() + timeoutMs
  for (;;) {
    const answer = await ask()
    if (answer !== undefined && answer !== false) return answer
    if (performance.now() > deadline) throw new Error(`Waited in vain: ${what}`)
    await sleep(25)
  }
}
