import { once } from 'node:events'
import { join } from 'node:path'
import { startEmbeddedPostgres } from '@/lib/embedded-postgres/embedded-postgres'
import { loadConfig } from './load-config'
import { embeddedOptions } from './embedded-options'

const printError = (line: string) => process.stderr.write(`${line}\n`)

/**
 * Holds the embedded database for Prisma's command line, see prisma.config.ts: prints its URL, and stops it, unless it
 * is that of a running server, when the command has ended or standard input is closed.
 */
async function main(): Promise<void> {
  const options = embeddedOptions(loadConfig(process.cwd(), { development: false, print: printError }))
  const signal = once(process, 'SIGTERM')
  const closed = once(process.stdin.resume(), 'end')
  const postgres = await startEmbeddedPostgres({ ...options, print: printError, shared: true })
  const pidFile = postgres.isShared ? '' : join(options.dataDir, 'cluster', 'postmaster.pid')
  process.stdout.write(`${JSON.stringify({ url: postgres.url, pidFile })}\n`)
  await Promise.race([signal, closed, postgres.ended])
  await postgres.stop()
  process.exit(0)
}

main().catch((error: unknown) => {
  printError(error instanceof Error ? error.message : String(error))
  process.exit(1)
})
