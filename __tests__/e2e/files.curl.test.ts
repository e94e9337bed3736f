import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Uploaded } from '@/lib/domains/files/uploads/schema'
import { createFileClient } from '../support/file-client'
import { png } from '../support/images'
import { type RunningServer, startServer } from '../support/server'

jest.setTimeout(180_000)

const run = promisify(execFile)
const MIB = 1024 * 1024

let server: RunningServer
let token: string
let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hearth-curl-'))
  server = await startServer({ WORKER: 'off' })
  ;({ token } = await createFileClient(server))
})

afterAll(async () => {
  await server.remove()
  await rm(folder, { recursive: true, force: true })
})

async function curl(...args: string[]): Promise<{ status: number; body: string }> {
  const authorization = ['-H', `Authorization: Bearer ${token}`]
  const { stdout } = await run('curl', ['-sS', '-w', '\n%{http_code}', ...authorization, ...args])
  const end = stdout.search(/[\n ]\d+$/)
  return { status: Number(stdout.slice(end + 1)), body: stdout.slice(0, end) }
}

it('accepts curl -F and returns the bytes', async () => {
  const image = join(folder, 'my image.png')
  await writeFile(image, png(20, 10))
  const response = await curl('-F', `file=@${image}`, `${server.url}/api/upload`)
  expect(response.status).toBe(201)
  const uploaded: Uploaded = JSON.parse(response.body)
  expect(uploaded).toMatchObject({ success: true, type: 'image/png', size: png(20, 10).length })
  const copy = join(folder, 'copy.png')
  await curl('-o', copy, `${server.url}${uploaded.url}`)
  await run('cmp', [image, copy])
})

it('returns errors to curl', async () => {
  const large = join(folder, 'large.png')
  await writeFile(large, Buffer.concat([png(), randomBytes(20 * MIB)]))
  const url = `${server.url}/api/upload`
  expect((await curl('-F', `file=@${large}`, url)).status).toBe(413)
  expect((await curl('-H', 'Transfer-Encoding: chunked', '-F', `file=@${large}`, url)).status).toBe(413)
  expect((await curl('-F', `photo=@${large}`, url)).status).toBe(413)
  expect((await curl('-d', 'file=x', url)).status).toBe(415)
  const text = join(folder, 'a.png')
  await writeFile(text, '<svg/>')
  expect((await curl('-F', `file=@${text}`, url)).body).toContain('JPEG, PNG or GIF')
})

it('resumes a download with curl -C -', async () => {
  const bytes = randomBytes(3 * MIB)
  const source = join(folder, 'whole')
  await writeFile(source, bytes)
  const url = `${server.url}/api/files/me/resume.bin`
  expect((await curl('-T', source, url)).status).toBe(201)
  const file = join(folder, 'resumed')
  await writeFile(file, bytes.subarray(0, MIB + 17))
  const { status, body } = await curl('-C', '-', '-o', file, '-w', '%{size_download} %{http_code}', url)
  expect([status, body]).toEqual([206, String(2 * MIB - 17)])
  expect(bytes.equals(await readFile(file))).toBe(true)
})
