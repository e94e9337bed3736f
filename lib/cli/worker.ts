import { setConfig } from '@/lib/config'
import { ensureClient } from './build-if-stale'
import { loadConfig } from './load-config'
import type * as Work from './run-worker'

const projectDir = process.cwd()
const say = (line: string) => process.stdout.write(`${line}\n`)

/** `npm run worker`: the jobs of the queue in a process of their own, beside servers with `WORKER=off`. */
async function main(): Promise<void> {
  setConfig(loadConfig(projectDir, { development: false, say }))
  await ensureClient(projectDir, say)
  // What uses the Prisma client can only be loaded once it was generated.
  const { work }: typeof Work = require('./run-worker')
  await work({ projectDir, say })
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exit(1)
})
