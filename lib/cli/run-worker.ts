import { config } from '@/lib/config'
import { startWorker } from '@/lib/worker/worker'
import { logger } from '@/lib/logger'
import { disconnect } from '@/lib/platform/db/prisma'
import { migrate } from './migrate'
import { stopSignal } from './shutdown-signal'

/** Migrates, runs the jobs of the queue, and comes back when the process was told to stop and has tidied up. */
export async function work({ projectDir, say }: { projectDir: string; say: (line: string) => void }): Promise<void> {
  const stopped = stopSignal()
  const { databaseUrl } = config()
  if (databaseUrl === undefined) {
    throw new Error('The worker needs a DATABASE_URL. A server that brings its own database runs the jobs itself.')
  }
  await migrate(projectDir, say)
  const worker = await startWorker(databaseUrl)
  say('Hearth works on the jobs of the queue')
  const signal = await stopped
  logger().info({ signal }, 'stopping')
  await worker.stop()
  await disconnect()
  logger().flush()
  process.exit(0)
}
