import type { Server as HttpServer } from 'node:http'
import type { Server, Socket } from 'node:net'
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises'

/** Any HTTP server, whatever its classes of requests and responses. */
type Drainable = Server & Pick<HttpServer, 'closeAllConnections' | 'closeIdleConnections'>

/** No connection or request for this long means that everything in the socket buffers has been read. */
const QUIET_MS = 20
/** How often keep-alive connections are closed whose last response did not yet say `Connection: close`. */
const IDLE_INTERVAL_MS = 500

/**
 * Waits until no connection and no request arrives any more. Node accepts connections, and reads from each, in batches:
 * under load there are requests in socket buffers that it has not seen, whose connections it would close as idle.
 */
async function waitForIdle(server: Drainable, timeoutMs: number): Promise<void> {
  let arrivals = 0
  const count = () => {
    arrivals += 1
  }
  server.on('connection', count).on('request', count)
  const deadline = performance.now() + timeoutMs
  for (let before = -1; arrivals !== before && performance.now() < deadline;) {
    before = arrivals
    await sleep(QUIET_MS)
    await nextTurn()
  }
  server.off('connection', count).off('request', count)
}

/**
 * Tracks the connections of a server and returns the function that shuts it down: it waits until no more requests
 * arrive (for at most half of the time), closes the listening socket, completes the requests in progress, and destroys
 * the connections that are left after `timeoutMs`. The caller has responses say `Connection: close` beforehand.
 */
export function createGracefulShutdown(server: Drainable): (timeoutMs: number) => Promise<void> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  return async (timeoutMs) => {
    const deadline = setTimeout(() => server.closeAllConnections(), timeoutMs)
    await waitForIdle(server, timeoutMs / 2)
    const closed = new Promise((resolve) => server.close(resolve))
    // Node would wait for connections that have not sent a byte.
    for (const socket of sockets) if (socket.bytesRead === 0) socket.destroy()
    const idle = setInterval(() => server.closeIdleConnections(), IDLE_INTERVAL_MS)
    await closed
    clearInterval(idle)
    clearTimeout(deadline)
  }
}
