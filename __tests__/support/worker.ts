import { settings } from '@/lib/config'
import { startWorker, type JobWorker } from '@/lib/jobs/worker'

/** Runs the jobs of the queue during the tests of this file. Call it at the top of the file. */
export function useWorker(): void {
  let worker: JobWorker | undefined
  beforeAll(async () => {
    worker = await startWorker(settings().databaseUrl ?? '')
  })
  afterAll(() => worker?.stop())
}
