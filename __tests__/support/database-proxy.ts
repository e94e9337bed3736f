import { createServer, connect, type Server, type Socket } from 'node:net'

/** Starts a TCP proxy to the database. `cut` closes its connections and rejects new ones, `silence` stops forwarding. */
export async function startDatabaseProxy(
  target: URL,
): Promise<{ url: string; cut(): void; silence(): void; mend(): void; close(): void }> {
  let state: 'open' | 'cut' | 'silent' = 'open'
  const sockets = new Set<Socket>()
  const server: Server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    if (state === 'cut') return socket.destroy()
    const upstream = connect(Number(target.port), target.hostname)
    sockets.add(upstream)
    upstream.on('error', () => socket.destroy())
    upstream.on('close', () => socket.destroy())
    socket.on('close', () => upstream.destroy())
    socket.on('data', (chunk) => state === 'open' && upstream.write(chunk))
    upstream.on('data', (chunk) => state === 'open' && socket.write(chunk))
    return undefined
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const url = new URL(target)
  url.port = String(typeof address === 'object' && address !== null ? address.port : 0)
  const hangUp = () => {
    for (const socket of sockets) socket.destroy()
    sockets.clear()
  }
  return {
    url: url.href,
    cut: () => {
      state = 'cut'
      hangUp()
    },
    silence: () => {
      state = 'silent'
    },
    mend: () => {
      state = 'open'
      hangUp()
    },
    close: () => {
      hangUp()
      server.close()
    },
  }
}
