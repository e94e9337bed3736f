import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Client } from 'pg'
import type { Uploaded } from '@/lib/uploads/schema'
import { freshEmail, PASSWORD } from '../support/factories'
import { png } from '../support/images'
import { type RunningServer, startServer } from '../support/server'
import { waitFor } from '../support/wait'

jest.setTimeout(180_000)

const run = promisify(execFile)
const HANG_UPS = 200

let server: RunningServer
let token: string
let folder: string
let ownTmp: string
let dataDir: string

async function register(): Promise<string> {
  const response = await fetch(`${server.url}/api/auth/register`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ email: freshEmail(), password: PASSWORD }),
  })
  return (await response.json()).token
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hearth-upload-'))
  ownTmp = await mkdtemp(join(folder, 'tmp-'))
  dataDir = await mkdtemp(join(folder, 'data-'))
  server = await startServer({ TMPDIR: ownTmp }, { dataDir })
  token = await register()
})

afterAll(async () => {
  await server.remove()
  await rm(folder, { recursive: true, force: true })
})

async function curl(...args: string[]): Promise<{ status: number; body: string }> {
  const authorization = ['-H', `Authorization: Bearer ${token}`]
  const { stdout } = await run('curl', ['-sS', '-w', '\n%{http_code}', ...authorization, ...args])
  const end = stdout.lastIndexOf('\n')
  return { status: Number(stdout.slice(end + 1)), body: stdout.slice(0, end) }
}

/** What lies on the disk beside the files that are there to be read. */
async function leftOvers(): Promise<{ temporary: string[]; stored: number; rows: number; unreferenced: number }> {
  const entries = await readdir(dataDir, { recursive: true, withFileTypes: true })
  const client = new Client({ connectionString: server.databaseUrl })
  await client.connect()
  try {
    const { rows } = await client.query<{ files: number; unreferenced: number }>(
      `SELECT (SELECT count(*)::int FROM files) AS files,
              (SELECT count(*)::int FROM unreferenced_bytes) AS unreferenced`,
    )
    return {
      temporary: (await readdir(ownTmp)).filter((name) => !name.startsWith('tsx-') && !name.startsWith('node-compile')),
      stored: entries.filter((entry) => entry.isFile()).length,
      rows: rows[0]?.files ?? -1,
      unreferenced: rows[0]?.unreferenced ?? -1,
    }
  } finally {
    await client.end()
  }
}

it('works with curl -F, and gives the bytes back', async () => {
  const image = join(folder, 'my image.png')
  await writeFile(image, png(20, 10))
  const answer = await curl('-F', `file=@${image}`, `${server.url}/api/upload`)
  expect(answer.status).toBe(201)
  const uploaded: Uploaded = JSON.parse(answer.body)
  expect(uploaded).toMatchObject({ success: true, type: 'image/png', size: png(20, 10).length })
  const copy = join(folder, 'copy.png')
  await curl('-o', copy, `${server.url}${uploaded.url}`)
  await run('cmp', [image, copy])
})

it('tells curl what is wrong', async () => {
  const large = join(folder, 'large.png')
  await writeFile(large, Buffer.concat([png(), randomBytes(20 * 1024 * 1024)]))
  const url = `${server.url}/api/upload`
  expect((await curl('-F', `file=@${large}`, url)).status).toBe(413)
  expect((await curl('-H', 'Transfer-Encoding: chunked', '-F', `file=@${large}`, url)).status).toBe(413)
  expect((await curl('-F', `photo=@${large}`, url)).status).toBe(413)
  expect((await curl('-d', 'file=x', url)).status).toBe(415)
  const text = join(folder, 'a.png')
  await writeFile(text, '<svg/>')
  expect((await curl('-F', `file=@${text}`, url)).body).toContain('JPEG, PNG or GIF')
})

it('leaves nothing behind of clients that hang up, wherever they do', async () => {
  const before = await leftOvers()
  const head = '--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\nContent-Type: image/png\r\n\r\n'
  const body = Buffer.concat([Buffer.from(head), png(), randomBytes(2 * 1024 * 1024), Buffer.from('\r\n--b--\r\n')])
  const hangUp = (sentBytes: number) =>
    new Promise<void>((resolve) => {
      const headers = {
        Authorization: `Bearer ${token}`,
        'Content-Type': 'multipart/form-data; boundary=b',
        'Content-Length': body.length,
      }
      const outgoing = request(`${server.url}/api/upload`, { method: 'POST', headers })
      outgoing.on('error', () => {})
      outgoing.on('close', resolve)
      outgoing.write(body.subarray(0, sentBytes), () => setTimeout(() => outgoing.destroy(), Math.random() * 20))
    })
  for (let index = 0; index < HANG_UPS; index += 10) {
    await Promise.all(Array.from({ length: 10 }, () => hangUp(Math.floor(Math.random() * body.length))))
  }
  await waitFor('the end of every write', async () => (await leftOvers()).unreferenced === before.unreferenced)
  expect(await leftOvers()).toEqual(before)
  expect(before.temporary).toEqual([])
  expect(server.output()).not.toMatch(/"level":"(error|fatal)"/)
})
