import { execFile, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { startEmbeddedPostgres } from '@/lib/embedded-postgres/embedded-postgres'
import { startServer } from '../support/server'
import { median } from './load'

// Uploads and downloads a file of 1 GiB with curl, compared with a plain `node:http` server that pipes to and from the same
// disk. The plain server neither hashes nor syncs nor preserves the previous file until the commit; Hearth does all three.
const MIB = 1024 * 1024
const SIZE_MIB = 1024
const ROUNDS = 3

const PLAIN_SERVER = `
  const { createServer } = require('node:http'), fs = require('node:fs'), { pipeline } = require('node:stream')
  const file = process.argv[1]
  const server = createServer((req, res) => {
    if (req.method === 'PUT') pipeline(req, fs.createWriteStream(file), () => res.end())
    else pipeline(fs.createReadStream(file), res, () => {})
  })
  server.listen(0, '127.0.0.1', () => console.log('http://127.0.0.1:' + server.address().port))`

const run = promisify(execFile)

async function curlMibPerSecond(url: string, args: string[]): Promise<number> {
  const { stdout } = await run('curl', ['-sS', '--fail', '-o', '/dev/null', '-w', '%{time_total}', ...args, url])
  return SIZE_MIB / Number(stdout)
}

async function createBody(path: string): Promise<void> {
  const handle = await open(path, 'w')
  const block = randomBytes(MIB)
  for (let written = 0; written < SIZE_MIB; written += 1) await handle.write(block)
  await handle.close()
}

async function main(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'hearth-bench-files-'))
  const body = join(folder, 'body')
  const postgres = await startEmbeddedPostgres({ dataDir: join(folder, 'postgres'), database: 'hearth' })
  const dataDir = join(folder, 'data')
  const quota = { FILES_QUOTA_BYTES: String(4 * SIZE_MIB * MIB) }
  const hearth = await startServer(quota, { databaseUrl: postgres.url, dataDir })
  const plain = spawn(process.execPath, ['-e', PLAIN_SERVER, join(folder, 'plain')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  try {
    const [line] = await once(plain.stdout, 'data')
    await createBody(body)
    const registered = await fetch(`${hearth.url}/api/auth/register`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ email: 'bench@example.test', password: 'correct horse' }),
    })
    const { token }: { token: string } = JSON.parse(await registered.text())
    const targets = {
      plain: { url: String(line).trim(), args: [] },
      Hearth: { url: `${hearth.url}/api/files/me/body`, args: ['-H', `Authorization: Bearer ${token}`] },
    }
    const figures: Record<string, number[]> = {}
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const [name, { url, args }] of Object.entries(targets)) {
        ;(figures[`${name} up`] ??= []).push(await curlMibPerSecond(url, [...args, '-T', body]))
        ;(figures[`${name} down`] ??= []).push(await curlMibPerSecond(url, args))
      }
    }
    for (const way of ['up', 'down']) {
      const [ours, theirs] = [median(figures[`Hearth ${way}`] ?? []), median(figures[`plain ${way}`] ?? [])]
      const share = Math.round((ours / theirs) * 100)
      process.stdout.write(
        `1 GiB ${way}: Hearth ${ours.toFixed(0)} MiB/s, plain ${theirs.toFixed(0)} MiB/s: ${share} %\n`,
      )
    }
  } finally {
    plain.kill('SIGTERM')
    await hearth.remove()
    await postgres.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

main().catch((error: unknown) => {
  process.stderr.write(`${String(error)}\n`)
  process.exit(1)
})
