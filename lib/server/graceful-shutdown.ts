import { once } from 'node:events'
import type { Socket } from 'node:net'
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises'
import type { HttpServer } from './http-server'

/** How long nothing may have come in for everything to be taken for read that was on its way. */
const QUIET_MS = 20
/** How often connections are closed whose last answer began before clients were told to go away. */
const IDLE_INTERVAL_MS = 500

/**
 * Waits until nothing comes in any more, neither a connection nor a request. Node reads of each connection, and accepts
 * connections, a part at a time: under load there are requests that have arrived and that it does not know of, whose
 * connections it would close as idle ones. Resolves in the turn of the event loop in which all was read.
 */
async function waitForIdle(server: HttpServer, timeoutMs: number): Promise<void> {
  let arrivals = 0
  const count = () => {
    arrivals += 1
  }
  server.on('connection', count).on('request', count)
  const deadline = performance.now() + timeoutMs
  for (let before = -1; arrivals !== before && performance.now() < deadline;) {
    before = arrivals
    await sleep(QUIET_MS)
    await turn()
  }
  server.off('connection', count).off('request', count)
}

/**
 * Prepares the end of a server whose answers will tell clients to go away. What it returns goes on until no more of them
 * come, for half of the time at most, takes no new connections then, and finishes what is under way. What is not done in
 * time is cut off.
 */
export function createGracefulShutdown(server: HttpServer): (timeoutMs: number) => Promise<void> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  return async (timeoutMs) => {
    const deadline = setTimeout(() => server.closeAllConnections(), timeoutMs)
    await waitForIdle(server, timeoutMs / 2)
    const closed = once(server, 'close')
    server.close()
    // Node waits for those, since a request of theirs may yet begin.
    for (const socket of sockets) if (socket.bytesRead === 0) socket.destroy()
    const idle = setInterval(() => server.closeIdleConnections(), IDLE_INTERVAL_MS)
    await closed
    clearInterval(idle)
    clearTimeout(deadline)
  }
}
