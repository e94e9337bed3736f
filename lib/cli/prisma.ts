import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { environment } from '@/lib/config'
import { acquireDatabase } from './with-database'
import { loadConfig } from './load-config'

const complain = (line: string) => process.stderr.write(`${line}\n`)

/** Runs Prisma's command line, which has the terminal meanwhile; its exit code. */
async function runCli(args: string[], databaseUrl: string | undefined): Promise<number> {
  const env = { ...environment(), NODE_ENV: 'production', ...(databaseUrl && { DATABASE_URL: databaseUrl }) } as const
  const child = spawn(process.execPath, ['--require', 'tsx/cjs', join('prisma', 'cli.ts'), ...args], {
    stdio: 'inherit',
    env,
  })
  // A signal reaches the child by itself in a terminal; what is borrowed is given back after it.
  const pass = (signal: NodeJS.Signals) => child.kill(signal)
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, pass)
  const [code] = await once(child, 'close')
  return typeof code === 'number' ? code : 1
}

/** `npm run prisma`: Prisma's command line on the database of the settings, which may be the embedded one. */
async function main(): Promise<void> {
  const args = process.argv.slice(2)
  if (args[0] !== 'migrate' && args[0] !== 'db') {
    process.exitCode = await runCli(args, undefined)
    return
  }
  const settings = loadConfig(process.cwd(), { development: false, say: complain })
  const database = await acquireDatabase(settings, complain)
  try {
    process.exitCode = await runCli(args, database.url)
  } finally {
    await database.release()
  }
}

main().catch((error: unknown) => {
  complain(error instanceof Error ? error.message : String(error))
  process.exitCode = 1
})
