import { useSettings } from '@/lib/config'
import { ensureClient } from './build'
import { readSettings } from './read-settings'
import type * as Work from './work'

const projectDir = process.cwd()
const say = (line: string) => process.stdout.write(`${line}\n`)

/** `npm run worker`: the jobs of the queue in a process of their own, beside servers with `WORKER=off`. */
async function main(): Promise<void> {
  useSettings(readSettings(projectDir, { development: false, say }))
  await ensureClient(projectDir, say)
  // What uses the Prisma client can only be loaded once it was generated.
  const { work }: typeof Work = require('./work')
  await work({ projectDir, say })
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exit(1)
})
