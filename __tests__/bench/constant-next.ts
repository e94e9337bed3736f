import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'

/** A bare Next project with one API route that returns a constant, built and served by `next start`. */
export async function startConstantNext(): Promise<{
  url: string
  pid: number | undefined
  stop: () => Promise<void>
}> {
  const folder = join(process.cwd(), '.data')
  mkdirSync(folder, { recursive: true })
  const project = mkdtempSync(join(folder, 'bench-next-'))
  mkdirSync(join(project, 'pages', 'api'), { recursive: true })
  writeFileSync(join(project, 'package.json'), '{ "private": true }\n')
  writeFileSync(
    join(project, 'pages', 'api', 'constant.js'),
    `export default function handler(req, res) {\n  res.status(200).json({ message: 'Hello from Next' })\n}\n`,
  )
  const next = join(process.cwd(), 'node_modules', 'next', 'dist', 'bin', 'next')
  const env = { ...process.env, NODE_ENV: 'production', NEXT_TELEMETRY_DISABLED: '1' } as const
  const built = spawnSync(process.execPath, [next, 'build'], { cwd: project, env, encoding: 'utf8' })
  if (built.status !== 0)
    throw new Error(`The constant Next project could not be built:\n${built.stdout}${built.stderr}`)
  const port = await freePort()
  const child = spawn(process.execPath, [next, 'start', '-p', String(port), '-H', '127.0.0.1'], { cwd: project, env })
  const url = `http://127.0.0.1:${port}/api/constant`
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const response = await fetch(url).catch(() => undefined)
    if (response?.ok === true) break
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  return {
    url,
    pid: child.pid,
    stop: async () => {
      child.kill('SIGTERM')
      await once(child, 'close')
      rmSync(project, { recursive: true, force: true })
    },
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  return typeof address === 'object' && address !== null ? address.port : 0
}
