import { config } from '@/lib/config'
import { startWorker, type JobWorker } from '@/lib/worker/worker'

/** Runs the jobs of the queue during the tests of this file. Call it at the top of the file. */
export function useWorker(): void {
  let worker: JobWorker | undefined
  beforeAll(async () => {
    worker = await startWorker(config().databaseUrl ?? '')
  })
  afterAll(() => worker?.stop())
}
