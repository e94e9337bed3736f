import type { ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'

/** How long a client may take nothing of an answer before it is given up. */
export const STALL_TIMEOUT_MS = 60_000

function isClientDisconnect(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === 'ERR_STREAM_PREMATURE_CLOSE'
}

/**
 * Sends texts as they come, no faster than the client takes them. A failure before the first text is thrown for the
 * error envelope; after that the answer is cut off, so that nobody takes it for whole. A client that leaves, or takes
 * nothing for a minute, ends the work.
 */
export async function sendStream(res: ServerResponse, texts: AsyncGenerator<string>): Promise<void> {
  const first = await texts.next()
  async function* all() {
    if (first.done === true) return
    yield first.value
    yield* texts
  }
  res.setTimeout(STALL_TIMEOUT_MS, () => res.destroy())
  try {
    await pipeline(Readable.from(all(), { highWaterMark: 1 }), res)
  } catch (error) {
    if (!isClientDisconnect(error)) throw error
  } finally {
    res.setTimeout(0)
  }
}
