import { once } from 'node:events'
import { readdir, readlink } from 'node:fs/promises'
import { ServerResponse } from 'node:http'
import { connect } from 'node:net'
import { join } from 'node:path'
import { config } from '@/lib/config'
import { createHttpServer } from '@/lib/server/http-server'
import route from '@/pages/api/files/[owner]/[...path]'
import { api } from '../../support/api'
import { signIn } from '../../support/factories'
import { fileUrl } from '../../support/files'
import { waitFor } from '../../support/wait'

const MIB = 1024 * 1024

/** Returns the number of open files of the store in this process (Linux). */
async function openFiles(): Promise<number> {
  const folder = '/proc/self/fd'
  const links = (await readdir(folder)).map((name) => readlink(join(folder, name)).catch(() => ''))
  return (await Promise.all(links)).filter((target) => target.startsWith(join(config().dataDir, 'files'))).length
}

it('disconnects a client that reads nothing for a minute and closes the file', async () => {
  const { user, token } = await signIn()
  await api('PUT', fileUrl('large'), { token, body: new Uint8Array(24 * MIB) })
  const server = createHttpServer((req, res) => {
    req.query = { owner: String(user.id), path: ['large'] }
    return route(req, res)
  })
  // Shortens a minute to 0.2 s.
  const hurry = jest.spyOn(ServerResponse.prototype, 'setTimeout').mockImplementation(function (
    this: ServerResponse,
    ms,
    callback,
  ) {
    if (callback !== undefined) this.on('timeout', callback)
    this.socket?.setTimeout(ms / 300)
    return this
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const socket = connect(typeof address === 'object' && address !== null ? address.port : 0, '127.0.0.1')
  socket.on('error', () => {})
  try {
    socket.write(`GET /api/files/me/large HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\n\r\n`)
    await once(socket, 'readable')
    socket.pause()
    await waitFor('the file to be opened', async () => (await openFiles()) === 1)
    await waitFor('the file to be closed', async () => (await openFiles()) === 0, 3_000)
  } finally {
    hurry.mockRestore()
    socket.destroy()
    server.close()
  }
})
