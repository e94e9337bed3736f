import type { ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createCompressor, negotiateEncoding } from './compression'

/** Time after which the connection of a client that reads nothing is closed. */
export const STALL_TIMEOUT_MS = 60_000

function isClientDisconnect(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === 'ERR_STREAM_PREMATURE_CLOSE'
}

/**
 * Streams chunks with backpressure. An error before the first chunk is thrown for the error envelope; after that the
 * connection is destroyed, so that the client does not mistake a truncated response for a complete one. Stops when the
 * client disconnects or reads nothing for a minute. Compressed chunks are flushed one by one. With `wantsHeadOnly` only the
 * headers are sent.
 */
export async function sendStream(
  res: ServerResponse,
  chunks: AsyncGenerator<string>,
  { wantsHeadOnly }: { wantsHeadOnly: boolean },
): Promise<void> {
  if (wantsHeadOnly) {
    negotiateEncoding(res)
    res.end()
    return
  }
  const first = await chunks.next()
  async function* all() {
    if (first.done === true) return
    yield first.value
    yield* chunks
  }
  const encoding = negotiateEncoding(res)
  const source = Readable.from(all(), { highWaterMark: 1 })
  res.setTimeout(STALL_TIMEOUT_MS, () => res.destroy())
  try {
    if (encoding === undefined) await pipeline(source, res)
    else await pipeline(source, createCompressor(encoding, { flushes: true }), res)
  } catch (error) {
    if (!isClientDisconnect(error)) throw error
  } finally {
    res.setTimeout(0)
  }
}
