import { setImmediate } from 'node:timers/promises'

const SLICE_MS = 5

/**
 * Passes items on, and lets the event loop turn after every 5 ms of work. Without that, a loop over items that are already
 * in memory runs to its end before any other request: `for await` only yields to microtasks.
 */
export async function* inTimeSlices<T>(items: AsyncIterable<T>): AsyncGenerator<T> {
  let startedAt = performance.now()
  for await (const item of items) {
    if (performance.now() - startedAt >= SLICE_MS) {
      await setImmediate()
      startedAt = performance.now()
    }
    yield item
  }
}
