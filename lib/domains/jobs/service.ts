import { AppError } from '@/lib/errors'
import { inTransaction } from '@/lib/platform/db/transaction'
import type { List } from '@/lib/platform/pagination/query'
import * as repository from './repository'
import type { Job, ListJobsQuery } from './schema'

/** Lists background jobs. The route requires an admin. */
export async function listJobs(query: ListJobsQuery): Promise<List<Job>> {
  return repository.listJobs(query)
}

/** @throws NOT_FOUND, CONFLICT */
async function lockIdleJob(id: number): Promise<void> {
  const job = await repository.lockJob(id)
  if (job === undefined) throw new AppError('NOT_FOUND')
  if (job.state === 'running') throw new AppError('CONFLICT', { message: 'The job is running.' })
}

/**
 * Makes a job due now and grants it all attempts again. Returns the job.
 * @throws NOT_FOUND when there is no such job, or it is done
 * @throws CONFLICT when it is running
 */
export async function retryJob(id: number): Promise<Job> {
  return inTransaction(async () => {
    await lockIdleJob(id)
    await repository.rescheduleJob(id)
    const job = await repository.lockJob(id)
    if (job === undefined) throw new AppError('NOT_FOUND')
    return job
  })
}

/**
 * Deletes a job, which is then not executed.
 * @throws NOT_FOUND when there is no such job, or it is done
 * @throws CONFLICT when it is running
 */
export async function deleteJob(id: number): Promise<void> {
  await inTransaction(async () => {
    await lockIdleJob(id)
    await repository.deleteJob(id)
  })
}
