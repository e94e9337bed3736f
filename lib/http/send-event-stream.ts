import type { ServerResponse } from 'node:http'
import type { Writable } from 'node:stream'

/**
 * Sends Server-Sent Events (HTML standard, section 9.2) until either side closes the response. Neither proxies nor
 * compression may hold events back.
 */
export async function sendEventStream(
  res: ServerResponse,
  { sendTo, cancel }: { sendTo: (sink: Writable) => Promise<void>; cancel: () => void },
  { wantsHeadOnly }: { wantsHeadOnly: boolean },
): Promise<void> {
  res.setHeader('Content-Type', 'text/event-stream; charset=utf-8')
  res.setHeader('Cache-Control', 'private, no-cache, no-transform')
  res.setHeader('X-Accel-Buffering', 'no')
  if (wantsHeadOnly) {
    cancel()
    res.end()
    return
  }
  res.socket?.setNoDelay(true)
  res.flushHeaders()
  await sendTo(res)
}
