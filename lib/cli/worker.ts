import { config, setConfig } from '@/lib/config'
import { logger } from '@/lib/logger'
import { disconnect } from '@/lib/platform/db/prisma'
import { startWorker } from '@/lib/worker/worker'
import { loadConfig } from './load-config'
import { migrate } from './migrate'
import { onShutdownSignal } from './shutdown-signal'

const projectDir = process.cwd()
const print = (line: string) => process.stdout.write(`${line}\n`)

/** Runs `npm run worker`: executes queued jobs in a process of its own, for servers with `WORKER=off`. */
async function main(): Promise<void> {
  setConfig(loadConfig(projectDir, { development: false, print }))
  const { databaseDirectUrl } = config()
  if (databaseDirectUrl === undefined) {
    throw new Error('The worker needs a DATABASE_URL. A server with an embedded database runs the jobs itself.')
  }
  await migrate(projectDir, print)
  const worker = await startWorker(databaseDirectUrl)
  onShutdownSignal(async (signal) => {
    logger().info({ signal }, 'stopping')
    await worker.stop()
    await disconnect()
    logger().flush()
  })
  print('Hearth worker started')
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exit(1)
})
